package passport

import "slices"

// LegacyNames returns the hosts that unpatched clients call over TLS or may be told to.
// docs/protocol/passport.md#names
func LegacyNames() []string { return slices.Clone(legacyNames) }

// ServerFiles returns the PEM files of certificate and key that [EnsureCertificate] keeps in
// directory dir, whether they are there yet or not.
func ServerFiles(dir string) (cert, key string) {
	p := newPair(dir, "server")
	return p.path, p.keyPath
}
