#!/usr/bin/env python3
"""Holds the primitives of vectors/check_egress.py to the test vectors of the RFCs."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vectors"))

import egress_primitives as primitives  # noqa: E402
from small_history import SMALL_ORDER, octets  # noqa: E402


class Primitives(unittest.TestCase):
    def test_x25519(self):
        """RFC 7748, 5.2 and 6.1."""
        for scalar, point, expected in (
                ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                 "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                 "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
                ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                 "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                 "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"),
                ("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
                 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
                 "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")):
            self.assertEqual(primitives.x25519(bytes.fromhex(scalar), bytes.fromhex(point)).hex(), expected)
        alice, bob = (bytes.fromhex(key) for key in (
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        self.assertEqual(primitives.x25519_base(alice).hex(),
                         "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        self.assertEqual(primitives.x25519_base(bob).hex(),
                         "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")

    def test_x25519_base_is_x25519_of_nine(self):
        nine = bytes([9]) + bytes(31)
        for scalar in [bytes(32), b"\xff" * 32] + [octets(f"scalar {number}") for number in range(8)]:
            self.assertEqual(primitives.x25519_base(scalar), primitives.x25519(scalar, nine))

    def test_points_of_small_order_give_nothing(self):
        points = [point.to_bytes(32, "little") for point in (0, 1, primitives.P - 1, primitives.P, primitives.P + 1)]
        for point in points + [SMALL_ORDER]:
            self.assertEqual(primitives.x25519(octets("scalar"), point), bytes(32))

    def test_chacha20_poly1305(self):
        """RFC 8439, 2.8.2."""
        sealed = primitives.seal(bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647"),
                                 bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
                                 b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                                 b"the future, sunscreen would be it.")
        self.assertEqual(sealed.hex(),
                         "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da"
                         "92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585"
                         "808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691")

    def test_hkdf(self):
        """RFC 5869, A.1 and A.3."""
        for salt, info, prk, okm in (
                (bytes(range(13)), bytes(range(0xf0, 0xfa)),
                 "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
                (b"", b"", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")):
            self.assertEqual(primitives.mac(salt, b"\x0b" * 22).hex(), prk)
            self.assertEqual(primitives.hkdf_expand(bytes.fromhex(prk), info, 42).hex(), okm)

    def test_ed25519(self):
        """RFC 8032, 7.1."""
        for seed, public in (("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
                             ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
                             ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                              "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")):
            self.assertEqual(primitives.ed25519_public(bytes.fromhex(seed)).hex(), public)


if __name__ == "__main__":
    unittest.main()
