package msnp

// Agreement is the server's answer to VER.
type Agreement struct {
	TrID    TrID
	Version Version // 0: nothing in common
}

// ParseVERReply reads VER as a server sends it: the first version named is the one to speak.
// docs/protocol/signin.md#ver
func ParseVERReply(f Frame) (Agreement, error) {
	t, err := f.TrID()
	if err != nil {
		return Agreement{}, err
	}
	m := Agreement{TrID: t}
	for _, a := range f.Args[1:] {
		if v, ok := ParseVersion(string(a)); ok {
			m.Version = v
			break
		}
	}
	return m, nil
}

// SignInReply is the server's answer to USR: a challenge for the login, or that the client
// is signed in.
type SignInReply struct {
	TrID      TrID
	Challenge string // "" when signed in
	Handle    string
	Name      string // decoded
	Verified  bool   // the address of the account was proved
}

// ParseUSRReply reads USR as a notification server or a switchboard sends it; the latter
// leaves Verified out. docs/protocol/signin.md#usr
func ParseUSRReply(f Frame) (SignInReply, error) {
	t, err := f.want(4)
	if err != nil {
		return SignInReply{}, err
	}
	switch {
	case f.is(1, "TWN") && f.is(2, "S"):
		return SignInReply{TrID: t, Challenge: f.Arg(3)}, nil
	case f.is(1, "OK"):
		return SignInReply{TrID: t, Handle: f.Arg(2), Name: f.text(3), Verified: len(f.Args) < 5 || f.is(4, "1")}, nil
	}
	return SignInReply{}, f.syntax("neither a challenge nor OK")
}

// Referral is the line XFR of a server: where to go on.
type Referral struct {
	TrID   TrID   // [Async] when nobody asked
	Kind   string // NS or SB
	Addr   string // host and port
	Cookie string // of a switchboard
}

// ParseXFRReply reads XFR as a server sends it. docs/protocol/signin.md#dispatch
func ParseXFRReply(f Frame) (Referral, error) {
	t, err := f.want(3)
	if err != nil {
		return Referral{}, err
	}
	m := Referral{TrID: t, Kind: f.Arg(1), Addr: f.Arg(2)}
	if m.Kind == "SB" {
		if len(f.Args) < 5 || !f.is(3, "CKI") {
			return m, f.syntax("no cookie")
		}
		m.Cookie = f.Arg(4)
	}
	return m, nil
}

// ParseOUT returns the reason the server gives for hanging up: OTH, SSD or none.
// docs/protocol/signin.md#elsewhere
func ParseOUT(f Frame) string { return f.Arg(0) }

// ParseCHL returns the text of a challenge. docs/protocol/presence.md#challenge
func ParseCHL(f Frame) (string, error) {
	if _, err := f.want(2); err != nil {
		return "", err
	}
	return f.Arg(1), nil
}

// ParseQNG returns after how many seconds the next PNG is expected, or 0 when the line does
// not say. docs/protocol/presence.md#ping
func ParseQNG(f Frame) int {
	if len(f.Args) == 0 {
		return 0
	}
	n, err := parseUint(f.Args[0], 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// PageReply is the server's answer to URL: a form to post to the login, and what it asks for.
type PageReply struct {
	TrID   TrID
	Target string // a path, or a whole address
	Form   string // address to post to
	SiteID string
}

// ParseURLReply reads URL as a server sends it. docs/protocol/presence.md#url
func ParseURLReply(f Frame) (PageReply, error) {
	t, err := f.want(3)
	return PageReply{TrID: t, Target: f.Arg(1), Form: f.Arg(2), SiteID: f.Arg(3)}, err
}
