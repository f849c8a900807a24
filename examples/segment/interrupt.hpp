#pragma once

namespace segment {

/// From now on the first Ctrl-C (SIGINT) or SIGTERM is only noted; the second ends the program at once, with status 128
/// plus the signal's number.
void note_interrupts();

/// The signal noted, or 0.
int noted_interrupt();

}  // namespace segment
