package im

import "strings"

// MaxHandle is the longest handle in bytes.
const MaxHandle = 129

// ParseHandle checks the form of a handle, an e-mail address, and returns it in canonical
// form. The domain needs a dot unless dotless is chosen by calling [ParseCallee].
func ParseHandle(s string) (string, error) {
	h, err := ParseCallee(s)
	if err != nil {
		return "", err
	}
	domain := h[strings.IndexByte(h, '@')+1:]
	if dot := strings.IndexByte(domain, '.'); dot <= 0 || domain[len(domain)-1] == '.' {
		return "", ErrBadHandle
	}
	return h, nil
}

// ParseCallee is [ParseHandle] as a switchboard's CAL applies it: any domain will do.
// docs/protocol/switchboard.md#cal
func ParseCallee(s string) (string, error) {
	if len(s) > MaxHandle {
		return "", ErrBadHandle
	}
	at := strings.IndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || strings.IndexByte(s[at+1:], '@') >= 0 {
		return "", ErrBadHandle
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return "", ErrBadHandle
		}
	}
	return strings.ToLower(s), nil
}
