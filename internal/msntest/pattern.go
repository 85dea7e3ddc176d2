package msntest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// message is what a server sent: a line and, after some, a payload.
type message struct {
	line    string
	payload []byte // nil if the line has none
	flaw    string // what is wrong with its form, or ""
}

// names are the values a transcript has captured, for one section.
type names struct {
	values   map[string]string
	equals   map[string][]string // other values that are as good, by name
	seen     map[string][]string // what {x!} has been
	versions map[string]uint64   // highest list version by handle
}

func newNames() *names {
	return &names{
		values:   map[string]string{"obj": Object},
		equals:   make(map[string][]string),
		seen:     make(map[string][]string),
		versions: make(map[string]uint64),
	}
}

// match compares a line with a pattern and returns what it captures. The account is the
// one whose connection the line came on; lists of people have versions.
func (n *names) match(pattern, account string, m message) (map[string]string, error) {
	expr, holes, err := n.compile(pattern)
	if err != nil {
		return nil, err
	}
	values := expr.FindStringSubmatch(m.line)
	if values == nil {
		return nil, fmt.Errorf("it has another form")
	}
	captured := make(map[string]string)
	for i, h := range holes {
		if err := n.fill(h, values[i+1], account, m, captured); err != nil {
			return nil, err
		}
	}
	return captured, nil
}

// keep makes the captures of a match hold from now on.
func (n *names) keep(captured map[string]string) {
	for name, value := range captured {
		if fresh, ok := strings.CutSuffix(name, "!"); ok {
			n.seen[fresh] = append(n.seen[fresh], value)
			name = fresh
		}
		n.values[name] = value
	}
}

// hole is a placeholder of a pattern: {name} or {name~expression}.
type hole struct {
	name string
	expr *regexp.Regexp
}

// compile turns a pattern into an expression with one group for each hole.
func (n *names) compile(pattern string) (*regexp.Regexp, []hole, error) {
	var expr strings.Builder
	var holes []hole
	expr.WriteString("^")
	for rest := pattern; rest != ""; {
		text, inner, after, err := nextHole(rest)
		if err != nil {
			return nil, nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		expr.WriteString(regexp.QuoteMeta(text))
		rest = after
		if inner == "" {
			continue
		}
		h := hole{name: inner}
		if name, condition, ok := strings.Cut(inner, "~"); ok {
			h.name = name
			if h.expr, err = regexp.Compile("^(?:" + condition + ")$"); err != nil {
				return nil, nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
		}
		holes = append(holes, h)
		expr.WriteString(group(h.name))
	}
	e, err := regexp.Compile("(?s)" + expr.String() + "$")
	return e, holes, err
}

// group is the expression for whatever may stand in a hole.
func group(name string) string {
	switch {
	case name == "*":
		return "(.*)"
	case name == "n" || isVersion(name):
		return "([0-9]+)"
	default:
		return "([^ ]+?)"
	}
}

func isVersion(name string) bool {
	return name == "v" || name == "v+" || name == "v+1" || name == "v*"
}

// nextHole splits a pattern at its first placeholder. Two opening braces are a brace.
func nextHole(s string) (text, inner, after string, err error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, "{")
		b.WriteString(plain)
		if !found {
			return b.String(), "", "", nil
		}
		if rest, found = strings.CutPrefix(rest, "{"); !found {
			inner, after, err = closeHole(rest)
			return b.String(), inner, after, err
		}
		b.WriteByte('{')
		s = rest
	}
}

// closeHole splits what stands behind an opening brace at the brace that closes it. An
// expression in between may have braces of its own.
func closeHole(s string) (inner, after string, err error) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth > 0 {
			continue
		}
		if i == 0 {
			return "", "", errors.New("a placeholder without a name")
		}
		return s[:i], s[i+1:], nil
	}
	return "", "", errors.New("a brace is not closed")
}

var (
	sessionForm = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
	cookieForm  = regexp.MustCompile(`^[0-9.]{10,52}$`)
	addrForm    = regexp.MustCompile(`^[A-Za-z0-9.-]+:[0-9]+$`)
)

// fill checks what stands in a hole and adds it to captured if it is to be kept.
func (n *names) fill(h hole, value, account string, m message, captured map[string]string) error {
	switch {
	case h.name == "*" || h.name == "_":
		return nil
	case h.name == "n":
		if value != strconv.Itoa(len(m.payload)) {
			return fmt.Errorf("{n} is %s, the payload has %d bytes", value, len(m.payload))
		}
		return nil
	case isVersion(h.name):
		return n.fillVersion(h.name, value, account)
	case h.expr != nil && !h.expr.MatchString(value):
		return fmt.Errorf("{%s} is %q, which is not %s", h.name, value, h.expr)
	}
	if err := checkKind(h.name, value); err != nil || h.name == "addr" {
		return err
	}
	if name, fresh := strings.CutSuffix(h.name, "!"); fresh {
		if slices.Contains(n.seen[name], value) {
			return fmt.Errorf("{%s} has been %q before", h.name, value)
		}
		captured[h.name] = value
		return nil
	}
	before, known := captured[h.name]
	if !known {
		before, known = n.values[h.name]
	}
	if known && before != value && !slices.Contains(n.equals[h.name], value) {
		return fmt.Errorf("{%s} is %q, it was %q", h.name, value, before)
	}
	captured[h.name] = value
	return nil
}

// checkKind applies the rules that names with a known beginning have.
func checkKind(name, value string) error {
	form := map[bool]*regexp.Regexp{
		strings.HasPrefix(name, "sid"):  sessionForm,
		strings.HasPrefix(name, "cki"):  cookieForm,
		strings.HasPrefix(name, "addr"): addrForm,
	}[true]
	if form != nil && !form.MatchString(value) {
		return fmt.Errorf("{%s} is %q, which is not %s", name, value, form)
	}
	if form == sessionForm {
		if id, _ := strconv.ParseInt(value, 10, 64); id > 1<<31-1 {
			return fmt.Errorf("{%s} is %s, which a client keeps in 32 bits", name, value)
		}
	}
	return nil
}

// fillVersion checks a list version against the highest one the account has been told.
func (n *names) fillVersion(name, value, account string) error {
	v, err := strconv.ParseUint(value, 10, 32)
	if err != nil || v == 0 {
		return fmt.Errorf("{%s} is %s, which is no list version", name, value)
	}
	highest, known := n.versions[account]
	ok := true
	switch name {
	case "v":
		ok = v == highest || !known
	case "v+":
		ok = v > highest
	case "v+1":
		ok = v == highest+1
	case "v*":
		ok = v >= highest
	}
	if !ok {
		return fmt.Errorf("{%s} is %d, and the highest version so far %d", name, v, highest)
	}
	return nil
}

// versionAt tells in which word of a line the list version stands.
var versionAt = map[string]int{
	"SYN": 2, "ADD": 3, "REM": 3, "REA": 2, "ADG": 2, "REG": 2, "RMG": 2, "GTC": 2, "BLP": 2, "PRP": 2, "BPR": 1,
}

// note remembers the list version a line tells, if it tells one.
func (n *names) note(account, line string) {
	words := strings.Split(line, " ")
	at := versionAt[words[0]]
	if at == 0 || at >= len(words) {
		return
	}
	if _, err := strconv.ParseUint(words[1], 10, 32); err != nil {
		return // a line of the SYN block
	}
	if v, err := strconv.ParseUint(words[at], 10, 32); err == nil && v > n.versions[account] {
		n.versions[account] = v
	}
}

// expand replaces the placeholders of what a client sends. length is that of the payload.
func (n *names) expand(text, account string, length int) (string, error) {
	var b strings.Builder
	for rest := text; rest != ""; {
		plain, inner, after, err := nextHole(rest)
		if err != nil {
			return "", err
		}
		b.WriteString(plain)
		rest = after
		switch value, known := n.values[inner]; {
		case inner == "":
		case inner == "n":
			b.WriteString(strconv.Itoa(length))
		case inner == "v" && n.versions[account] > 0:
			b.WriteString(strconv.FormatUint(n.versions[account], 10))
		case known:
			b.WriteString(value)
		default:
			return "", fmt.Errorf("nothing is known as {%s}, only %q", inner, slices.Sorted(maps.Keys(n.values)))
		}
	}
	return b.String(), nil
}
