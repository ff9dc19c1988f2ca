#pragma once

#include <authmilter/crypto.h>

#include <string>
#include <string_view>

namespace vectors {

// RFC 8463 appendix A: two keys, and what they sign in appendix A.3 (the SHA-256 of the header).
constexpr const char* kEd25519Public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr const char* kEd25519Digest =
    "48ce9a2c710ece1710ff156996b836a7f45470e43efe5643074d6e1690ed62e7";
constexpr const char* kEd25519Signature =
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
constexpr const char* kRsaPublic =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16"
    "JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2Ee"
    "C3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
constexpr const char* kRsaDigest =
    "fed71e6d70fb123bb5c353adc42821b304b6b9d54fc867f304f7c61daaaa1111";
constexpr const char* kRsaSignature =
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mP"
    "YQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";

// The same Ed25519 key's private half (RFC 8463 appendix A.1) as PKCS#8.
constexpr const char* kEd25519Pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

// A key made for these tests, its public half, and its signature of SHA-256("abc").
constexpr const char* kRsaPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXAIBAAKBgQCivO1GvDbkGdKdZ82fYiiseOk1RDKfNjwtUAa9pHWOMkwTPCej\n"
    "0wkkTKxhEpIxhTjfrn+IJ29MK6Rj99Y7ueNtIS0xy94h3wGBODU+NQrjhjNnYSFO\n"
    "BClN+bEQ/bCouUQ9iSN7sUrHGXJG5zlycdsSipCfD7nIm4DIgiRKF6ZxBwIDAQAB\n"
    "AoGAKqhxXhhaHyKxtbcPDFdzp/otz1uoFVnnHk2a5r0kX3jJvkUHcwcPn2dFzFBM\n"
    "6BQu21tnbK5Bm2rZNacyjgdlGLwJcvMGKN6sERS1D0M27AFylklKWvFbEBzuvgCd\n"
    "pMOVE5peKaYG+BtjZTc+VHeSNsum8gdGPtOz366YC6pV03kCQQDSlGIs6/M/xqEe\n"
    "vsRU0aZnKC4ul7GpTldjqt5fJoBtfnr0RS2qUsDXyfoJGvoYpJ8nE1iAnTB6SKTV\n"
    "RxUG9HxFAkEAxdbc4GTDt9lQ9H0ygasOacSjE8zcEJ0ocqoD9MCl5p7kpAMgjwOd\n"
    "uqdK9zDZNmB0Kl/KHB/bND0UwF/wG7662wJBAI6eVIecHhkZi9Ho3cucWhkPi4ee\n"
    "0YKbPnCQLx8+UkjWGqwJlk3+0gDUGHXGQZAjHm82mQAydby8KncQN1uIhgkCQHAK\n"
    "Zd5i0oB8/x7nBEJxGGGH7f8Zpot2JWECrejfbVT1KXFFIBw+JQZ/FbJ2JJ1p9H/G\n"
    "7dQNqnukF+t2qalc078CQB/qaVbr+iuJ7Db2fE7BUtziauujjf2Kv/bS3PImaOKn\n"
    "HzmUUMti4vkvmwGYbknMwqVsH/fCRcOak5CtKxmPHOc=\n"
    "-----END RSA PRIVATE KEY-----\n";
constexpr const char* kRsaPemPublic =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCivO1GvDbkGdKdZ82fYiiseOk1RDKfNjwtUAa9pHWOMkwTPCej0wkkTK"
    "xhEpIxhTjfrn+IJ29MK6Rj99Y7ueNtIS0xy94h3wGBODU+NQrjhjNnYSFOBClN+bEQ/bCouUQ9iSN7sUrHGXJG5zlycdsS"
    "ipCfD7nIm4DIgiRKF6ZxBwIDAQAB";
constexpr const char* kRsaPemBarePublic =  // the same as RSAPublicKey
    "MIGJAoGBAKK87Ua8NuQZ0p1nzZ9iKKx46TVEMp82PC1QBr2kdY4yTBM8J6PTCSRMrGESkjGFON+uf4gnb0wrpGP31ju542"
    "0hLTHL3iHfAYE4NT41CuOGM2dhIU4EKU35sRD9sKi5RD2JI3uxSscZckbnOXJx2xKKkJ8PucibgMiCJEoXpnEHAgMBAAE"
    "=";
constexpr const char* kRsaPemSignature =
    "UmBI5Byvu2VCQGCPm7Bb5YTUou2tMWqt5+1VTxsr/fpRGOL7CUOd1HGbnOUQmylI7MXNwG2D9Nqgx58c2vr8m117TsN4vN"
    "hYEUqDD2fwdEHcb5JtNnNuqrzvE6FgilrwfhYtAp3tNskwKxoPg2vT9gOYuGOpkbpkz7hW9ZTiRHA=";

inline authmilter::Octets base64(std::string_view text) {
  return authmilter::base64_decode(text).value();
}

inline authmilter::Sha256Digest hex_digest(std::string_view hex) {
  authmilter::Sha256Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] =
        static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i * 2, 2)), nullptr, 16));
  }
  return digest;
}

}  // namespace vectors
