#include <authmilter/signing_profile.h>

#include <utility>

namespace authmilter {
namespace {

template <class Target, class Said>
void take(Target& target, const std::optional<Said>& said) {
  if (said) target = *said;
}

}  // namespace

SigningProfile overridden(SigningProfile profile, const SigningOverrides& overrides) {
  take(profile.headers, overrides.headers);
  if (overrides.canonicalization) {
    profile.header_canonicalization = overrides.canonicalization->header;
    profile.body_canonicalization = overrides.canonicalization->body;
  }
  take(profile.oversign, overrides.oversign);
  take(profile.oversign_present, overrides.oversign_present);
  take(profile.lifetime, overrides.lifetime);
  take(profile.order, overrides.order);
  take(profile.also, overrides.also);
  return profile;
}

SigningOverrides overridden(SigningOverrides earlier, const SigningOverrides& overrides) {
  take(earlier.headers, overrides.headers);
  take(earlier.canonicalization, overrides.canonicalization);
  take(earlier.oversign, overrides.oversign);
  take(earlier.oversign_present, overrides.oversign_present);
  take(earlier.lifetime, overrides.lifetime);
  take(earlier.order, overrides.order);
  take(earlier.also, overrides.also);
  return earlier;
}

SigningOverrides said_by(const SigningProfile& profile) {
  return {.headers = profile.headers,
          .canonicalization =
              Canonicalizations{profile.header_canonicalization, profile.body_canonicalization},
          .oversign = profile.oversign,
          .oversign_present = profile.oversign_present,
          .lifetime = profile.lifetime,
          .order = profile.order,
          .also = profile.also};
}

}  // namespace authmilter
