"""Small line plots with logarithmic axes, as SVG."""
import math

COLOURS = ["#1f77b4", "#d95f02", "#1b9e77", "#7570b3"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 360, 260, 56, 44, 34, 14


def number(value):
    return f"{value:g}" if value < 1000 else f"{value / 1000:g}k"


def ticks(low, high):
    """1, 2 and 5 times the powers of ten; powers alone where those would be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [step * 10.0**power for power in powers for step in steps if low * 0.999 <= step * 10.0**power <= high * 1.001]


class Panel:
    """title, labels, and series: name -> [(x, y), ...]; x values are the ticks of their axis."""

    def __init__(self, title, x_label, y_label, series):
        self.title, self.x_label, self.y_label, self.series = title, x_label, y_label, series
        xs = [x for points in series.values() for x, _ in points]
        ys = [y for points in series.values() for _, y in points]
        self.xs = sorted(set(xs))
        self.x_range = (min(xs), max(xs) * (1.0001 if len(self.xs) > 1 else 2))
        self.y_range = (min(ys) / 1.3, max(ys) * 1.3)

    def x(self, value):
        low, high = map(math.log, self.x_range)
        return LEFT + (math.log(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = map(math.log, self.y_range)
        return HEIGHT - BOTTOM - (math.log(value) - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    def legend(self):
        return "".join(f'<tspan dx="10" fill="{COLOURS[i % len(COLOURS)]}">{name}</tspan>' for i, name in enumerate(self.series))

    def svg(self, left, top):
        parts = [f'<g transform="translate({left} {top})">',
                 f'<text x="{WIDTH / 2}" y="18" text-anchor="middle" font-weight="bold">{self.title}{self.legend()}</text>',
                 f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{self.x_label}</text>',
                 f'<text x="12" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
                 f'transform="rotate(-90 12 {(TOP + HEIGHT - BOTTOM) / 2})">{self.y_label}</text>']
        for tick in ticks(*self.y_range):
            y = self.y(tick)
            parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
                         f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in self.xs:
            parts.append(f'<text x="{self.x(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick}</text>')
        parts.append(f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - BOTTOM - TOP}" fill="none" '
                     f'stroke="#888"/>')
        for index, points in enumerate(self.series.values()):
            colour = COLOURS[index % len(COLOURS)]
            places = [(self.x(x), self.y(y)) for x, y in points]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        return "\n".join([*parts, "</g>"])


def draw(panels, columns=2):
    """All panels as the text of one SVG file."""
    rows = (len(panels) + columns - 1) // columns
    body = "\n".join(panel.svg(i % columns * WIDTH, i // columns * HEIGHT) for i, panel in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH}" height="{rows * HEIGHT}" '
            f'viewBox="0 0 {columns * WIDTH} {rows * HEIGHT}" font-family="sans-serif" font-size="11">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
