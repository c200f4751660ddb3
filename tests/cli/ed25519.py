"""Ed25519 from the text of RFC 8032, for tests alone: slow, and not safe against timing."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1)


def add(one, other):
    """Adds two points (x, y) of -x^2 + y^2 = 1 + d x^2 y^2."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
            (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P)


def multiply(scalar, point):
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def find_x(y, sign):
    """Returns the x of this parity on the curve (RFC 8032, 5.1.3), None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return x if x % 2 == sign else P - x


BASE_Y = 4 * pow(5, -1, P) % P
BASE = (find_x(BASE_Y, 0), BASE_Y)


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    x = find_x(y, sign) if y < P else None
    return None if x is None else (x, y)


def digest(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expand(seed):
    """Returns the secret scalar and the prefix of a 32-byte private key."""
    data = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(data[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, data[32:]


def public_key(seed):
    return encode(multiply(expand(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = expand(seed)
    nonce = digest(prefix, message) % ORDER
    commitment = encode(multiply(nonce, BASE))
    challenge = digest(commitment, public_key(seed), message)
    return commitment + ((nonce + challenge * scalar) % ORDER).to_bytes(32, "little")


def verify(key, message, signature):
    owner, commitment = decode(key), decode(signature[:32])
    response = int.from_bytes(signature[32:], "little")
    if owner is None or commitment is None or len(signature) != 64 or response >= ORDER:
        return False
    challenge = digest(signature[:32], key, message) % ORDER
    return multiply(response, BASE) == add(commitment, multiply(challenge, owner))
