package msntest

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// profileFields are the headers of the profile in order, and what their values look like.
// docs/protocol/signin.md#profile
var profileFields = []struct{ name, value string }{
	{"MIME-Version", `1\.0`},
	{"Content-Type", `text/x-msmsgsprofile; charset=UTF-8`},
	{"LoginTime", `[0-9]+`},
	{"EmailEnabled", `[01]`},
	{"MemberIdHigh", `[0-9]+`},
	{"MemberIdLow", `[0-9]+`},
	{"lang_preference", `[0-9]+`},
	{"preferredEmail", `\S*`},
	{"country", `\S*`},
	{"PostalCode", `.*`},
	{"Gender", `[MFU]?`},
	{"Kid", `[01]`},
	{"Age", `[0-9]*`},
	{"BDayPre", `[0-5]?`},
	{"Birthday", `.*`},
	{"Wallet", `.*`},
	{"Flags", `[0-9]+`},
	{"sid", `507`},
	{"kv", `[0-9]+`},
	{"MSPAuth", `[A-Za-z0-9$!*]+`},
	{"ClientIP", `[0-9a-f.:]+`},
	{"ClientPort", `[0-9]+`},
}

// checkProfile checks the message that follows a sign-in.
func checkProfile(c *Conn, profile []byte) error {
	headers, ok := strings.CutSuffix(string(profile), "\r\n\r\n")
	if !ok {
		return fmt.Errorf("the profile does not end in an empty line: %q", profile)
	}
	lines := strings.Split(headers, "\r\n")
	if len(lines) != len(profileFields) {
		return fmt.Errorf("the profile has %d lines, not %d: %q", len(lines), len(profileFields), profile)
	}
	for i, f := range profileFields {
		if !regexp.MustCompile("^" + f.name + ": " + f.value + "$").MatchString(lines[i]) {
			return fmt.Errorf("line %d of the profile is %q, not %s: %s", i+1, lines[i], f.name, f.value)
		}
	}
	return checkProfileAddr(c.nc.LocalAddr(), lines)
}

// checkProfileAddr checks that a profile, split into lines, names the client's own address,
// the port with its bytes swapped.
func checkProfileAddr(local net.Addr, lines []string) error {
	addr, ok := local.(*net.TCPAddr)
	if !ok {
		return nil
	}
	port := addr.AddrPort().Port()
	want := []string{
		"ClientIP: " + addr.AddrPort().Addr().Unmap().String(),
		"ClientPort: " + strconv.Itoa(int(port>>8|port<<8)),
	}
	for i, w := range want {
		if got := lines[len(lines)-len(want)+i]; got != w {
			return fmt.Errorf("the profile says %q, want %q", got, w)
		}
	}
	return nil
}
