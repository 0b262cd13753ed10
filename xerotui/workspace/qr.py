"""QR codes for terminals. Only drawing; what is drawn is the caller's."""


def half_blocks(text: str, border: int = 2) -> tuple[str, ...]:
    """The lines of a QR code, two rows of it in each, to be shown light on dark: blocks are its light parts."""
    import segno

    matrix = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=border)]
    if len(matrix) % 2:
        matrix.append([0] * len(matrix[0]))
    signs = {(1, 1): " ", (1, 0): "▄", (0, 1): "▀", (0, 0): "█"}
    return tuple(
        "".join(signs[(int(bool(u)), int(bool(d)))] for u, d in zip(upper, lower, strict=True))
        for upper, lower in zip(matrix[::2], matrix[1::2], strict=True)
    )
