package patch

import (
	"fmt"
	"net/netip"
	"strings"
)

// Text is a text of the program that leads to the original service, and what takes its place.
type Text struct {
	Original string `json:"original"`
	Ours     string `json:"ours"` // "": none of the names is short enough
	Room     int    `json:"room"` // most characters of a name
	Fill     bool   `json:"fill"` // whether a shorter text is filled up with a query
}

// known are the texts that lead a Messenger of 5.0 to 6.2, and the names in them. Everything
// else it learns from the servers these lead to. docs/clients/msn-messenger-5-6.md
var known = []struct {
	text, name string
	fill       bool
}{
	{text: "http://config.messenger.msn.com/Config/MsgrConfig.asmx", name: "config.messenger.msn.com", fill: true},
	{text: "gateway.messenger.hotmail.com", name: "gateway.messenger.hotmail.com"},
	{text: dispatch, name: dispatch},
	{text: "nexus.passport.com", name: "nexus.passport.com"}, // with and without its path
}

// dispatch is the server that clients connect to first.
const dispatch = "messenger.hotmail.com"

// Names are those of a service. Of several, a text takes the first that is short enough.
type Names struct {
	Dispatch []string // lead to the dispatch server, at port 1863
	Pages    []string // lead to the nexus and the documents, at ports 443 and 80
}

// NamesOf returns the names of a service: its own, that of its dispatch server, and the one that
// clients send passwords to, unless that is of the original service.
func NamesOf(host, dispatch, login string) Names {
	n := Names{Pages: []string{host}}
	if !Foreign(login) {
		n.Pages = append(n.Pages, login)
	}
	n.Dispatch = append([]string{dispatch}, n.Pages...)
	return n
}

// Texts returns what is to be changed.
func (n Names) Texts() []Text {
	texts := make([]Text, len(known))
	for i, k := range known {
		t := Text{Original: k.text, Room: len(k.name), Fill: k.fill}
		names := n.Pages
		if k.text == dispatch {
			names = n.Dispatch
		}
		for _, name := range names {
			if len(name) <= t.Room && CheckName(name) == nil {
				t.Ours = strings.Replace(k.text, k.name, name, 1)
				break
			}
		}
		texts[i] = t
	}
	return texts
}

// CheckName says what is wrong with a name.
func CheckName(name string) error {
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is4() {
		return nil
	}
	for label := range strings.SplitSeq(name, ".") {
		ok := label != "" && label[0] != '-' && label[len(label)-1] != '-'
		for i := range len(label) {
			ok = ok && (isWord(label[i]) || label[i] == '-')
		}
		if !ok {
			return fmt.Errorf("%q is no host name; write it without https:// and without a port, like im.example.com", name)
		}
	}
	return nil
}

// domains are those of the original service's names.
var domains = []string{"passport.com", "passport.net", "hotmail.com", "msn.com", "live.com", "microsoft.com"}

// Foreign reports whether a host has a name of the original service, which leads to this one
// only where it is led away.
func Foreign(host string) bool {
	host = strings.ToLower(host)
	for _, d := range domains {
		if host == d || strings.HasSuffix(host, "."+d) {
			return true
		}
	}
	return false
}
