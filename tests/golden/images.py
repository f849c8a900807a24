"""Writes images.safetensors: small image files made by Pillow and by pypng, and the pixels that they hold."""
import io

import numpy as np
import png
from PIL import Image, ImageOps

from golden_file import GoldenFile, integers, output_folder, version

HEIGHT, WIDTH = 5, 7
golden = GoldenFile()


def pixels(channels, bits, height=HEIGHT, width=WIDTH):
    """Pixels that number themselves, below 2^bits."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return (y * 9973 + x * 1013 + c * 331 + 3 * x * y) % (1 << bits)


def add(name, data, expected, labels=None, tolerance=0):
    tensors = {"file": integers(np.frombuffer(data, np.uint8)), "pixels": integers(expected)}
    if labels is not None:
        tensors["labels"] = integers(labels)
    golden.add({"name": name, "tolerance": tolerance}, tensors)


def by_pillow(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def by_pypng(rows, **options):
    file = io.BytesIO()
    height = len(rows)
    flat = rows.reshape(height, -1)
    png.Writer(width=rows.shape[1], height=height, **options).write(file, flat.tolist())
    return file.getvalue()


for channels in (1, 2, 3, 4):
    for bits in (8, 16):
        for interlace in (False, True):
            values = pixels(channels, bits)
            data = by_pypng(values, greyscale=channels < 3, alpha=channels % 2 == 0, bitdepth=bits, interlace=interlace)
            name = f"png_{channels}_channels_{bits}_bits" + ("_interlaced" if interlace else "")
            add(name, data, values, values[:, :, 0] if channels == 1 else None)

for bits in (1, 2, 4):
    values = pixels(1, bits)
    add(f"png_grey_{bits}_bits", by_pypng(values, greyscale=True, bitdepth=bits), values * 255 // ((1 << bits) - 1),
        values[:, :, 0])

for bits in (1, 2, 4, 8):
    colors = 1 << min(bits, 5)
    palette = [(40 * i % 256, 255 - 7 * i, 13 * i % 256) for i in range(colors)]
    values = pixels(1, bits) % colors
    add(f"png_palette_{bits}_bits", by_pypng(values, palette=palette, bitdepth=bits), np.array(palette)[values[:, :, 0]],
        values[:, :, 0])

grey = Image.fromarray(pixels(1, 8)[:, :, 0].astype(np.uint8))
color = Image.fromarray(pixels(3, 8).astype(np.uint8))
transparent = grey.convert("P")
transparent.putpalette([value for i in range(256) for value in (i, 255 - i, i // 2)])
add("png_palette_transparent", by_pillow(transparent, "PNG", transparency=bytes([0, 128] + [255] * 254)),
    np.array(Image.open(io.BytesIO(by_pillow(transparent, "PNG", transparency=bytes([0, 128] + [255] * 254))))
             .convert("RGBA")), np.array(transparent))
add("png_pillow_1", by_pillow(grey.convert("1"), "PNG"), np.array(grey.convert("1"))[:, :, None] * 255)
add("png_pillow_i16", by_pillow(Image.fromarray(pixels(1, 16)[:, :, 0].astype(np.uint16)), "PNG"), pixels(1, 16),
    pixels(1, 16)[:, :, 0])
add("pgm", by_pillow(grey, "PPM"), pixels(1, 8), pixels(1, 8)[:, :, 0])
add("ppm", by_pillow(color, "PPM"), pixels(3, 8))
add("pbm", by_pillow(grey.convert("1"), "PPM"), np.array(grey.convert("1"))[:, :, None] * 255)
add("pgm_16_bits", by_pillow(Image.fromarray(pixels(1, 16)[:, :, 0].astype(np.uint16)), "PPM"), pixels(1, 16))

# Quadrants of 8 x 8 pixels, so that JPEG keeps the colours and every turn shows.
quadrants = np.zeros((16, 32, 3), np.uint8)
for i, rgb in enumerate([(220, 40, 40), (40, 220, 40), (40, 40, 220), (220, 220, 40)]):
    quadrants[8 * (i // 2):8 * (i // 2) + 8, 16 * (i % 2):16 * (i % 2) + 16] = rgb
photo = Image.fromarray(quadrants)
for name, image, options in (("grey", photo.convert("L"), {}), ("progressive", photo, {"progressive": True})):
    data = by_pillow(image, "JPEG", quality=95, **options)
    decoded = np.array(Image.open(io.BytesIO(data)))
    add(f"jpeg_{name}", data, decoded.reshape(*decoded.shape[:2], -1), tolerance=2)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif[0x0112] = orientation
    data = by_pillow(photo, "JPEG", quality=95, subsampling=0, exif=exif)
    add(f"jpeg_orientation_{orientation}", data, np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))),
        tolerance=2)

golden.write(output_folder() / "images.safetensors", {"pillow": version("pillow"), "pypng": version("pypng")})
