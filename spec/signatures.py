"""Ed25519 and ML-DSA-44, verification only: slow and plain, from RFC 8032 and FIPS 204. No secrets pass through here."""

import hashlib

# --- Ed25519, verification only (RFC 8032, section 5.1) -----------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def ed_point(raw):
    """Decodes a point (5.1.3), as extended coordinates, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == P - u % P and u:
        x = x * ROOT % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def ed_add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_mul(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = ed_add(q, p)
        p, n = ed_add(p, p), n >> 1
    return q


ED_BASE = ed_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(key, message, signature):
    """True if the signature holds: the equation without cofactor, R compared as bytes."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = ed_point(key), signature[:32], int.from_bytes(signature[32:], "little")
    if a is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    x, y, z, _ = ed_add(ed_mul(s, ED_BASE), ed_mul(k, (P - a[0], a[1], a[2], P - a[3])))
    z = pow(z, P - 2, P)
    x, y = x * z % P, y * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == r


# --- ML-DSA-44, verification only (FIPS 204, algorithms 3, 8 and what they use) --------------------------------

Q, N, K, GAMMA1, GAMMA2, BETA, OMEGA, TAU = 8380417, 256, 4, 1 << 17, 95232, 78, 80, 39
ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(256)]
MATRICES = {}  # of the few keys that one run meets


def ntt(w):
    w, m, size = list(w), 0, 128
    while size:
        for start in range(0, N, 2 * size):
            m += 1
            zeta = ZETAS[m]
            for j in range(start, start + size):
                t = zeta * w[j + size] % Q
                w[j], w[j + size] = (w[j] + t) % Q, (w[j] - t) % Q
        size //= 2
    return w


def ntt_back(w):
    w, m, size = list(w), 256, 1
    while size < N:
        for start in range(0, N, 2 * size):
            m -= 1
            zeta = -ZETAS[m]
            for j in range(start, start + size):
                t = w[j]
                w[j], w[j + size] = (t + w[j + size]) % Q, zeta * (t - w[j + size]) % Q
        size *= 2
    return [x * 8347681 % Q for x in w]


def unpack(raw, bits):
    n = int.from_bytes(raw, "little")
    return [n >> bits * i & (1 << bits) - 1 for i in range(len(raw) * 8 // bits)]


def matrix(rho):
    """ExpandA (algorithm 32): the public matrix, already in the transformed domain."""
    if rho not in MATRICES:
        a = []
        for r in range(K):
            for s in range(K):
                out, length = [], 1024
                while len(out) < N:
                    stream = hashlib.shake_128(rho + bytes([s, r])).digest(length)
                    out = [t for i in range(0, length - 2, 3)
                           if (t := stream[i] | stream[i + 1] << 8 | (stream[i + 2] & 127) << 16) < Q][:N]
                    length *= 2
                a.append(out)
        MATRICES[rho] = a
    return MATRICES[rho]


def ball(seed):
    """SampleInBall (algorithm 29): the challenge, with TAU coefficients of 1 or -1."""
    stream = hashlib.shake_256(seed).digest(2048)
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * N
    for i in range(N - TAU, N):
        while stream[at] > i:
            at += 1
        c[i], c[stream[at]] = c[stream[at]], 1 - 2 * (signs >> i + TAU - N & 1)
        at += 1
    return c


def hints(raw):
    """HintBitUnpack (algorithm 21): None where the encoding is not the only one."""
    h, at = [set() for _ in range(K)], 0
    for i in range(K):
        end = raw[OMEGA + i]
        if end < at or end > OMEGA:
            return None
        places = raw[at:end]
        if any(a >= b for a, b in zip(places, places[1:])):
            return None
        h[i], at = set(places), end
    return None if any(raw[at:OMEGA]) else h


def use_hint(hinted, r):
    """UseHint (algorithm 40) over Decompose (algorithm 36)."""
    low = r % (2 * GAMMA2)
    if low > GAMMA2:
        low -= 2 * GAMMA2
    high, low = (0, low - 1) if r - low == Q - 1 else ((r - low) // (2 * GAMMA2), low)
    return (high + (1 if low > 0 else -1)) % 44 if hinted else high


def mldsa44(key, message, signature, context=b""):
    """True if the signature holds under the FIPS 204 context string."""
    if len(key) != 1312 or len(signature) != 2420 or len(context) > 255:
        return False
    h = hints(signature[2336:])
    z = [[GAMMA1 - x for x in unpack(signature[32 + 576 * i:608 + 576 * i], 18)] for i in range(K)]
    if h is None or any(abs(x) >= GAMMA1 - BETA for row in z for x in row):
        return False
    shake = lambda data, n: hashlib.shake_256(data).digest(n)
    mu = shake(shake(key, 64) + bytes([0, len(context)]) + context + message, 64)
    a, c, zs = matrix(key[:32]), ntt(ball(signature[:32])), [ntt(row) for row in z]
    high = b""
    for i in range(K):
        t = ntt([x << 13 for x in unpack(key[32 + 320 * i:352 + 320 * i], 10)])
        w = ntt_back([(sum(a[K * i + j][n] * zs[j][n] for j in range(K)) - c[n] * t[n]) % Q for n in range(N)])
        bits = sum(use_hint(n in h[i], w[n]) << 6 * n for n in range(N))
        high += bits.to_bytes(192, "little")
    return shake(mu + high, 32) == signature[:32]
