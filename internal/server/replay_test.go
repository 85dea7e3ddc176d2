package server_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
	"monarch/msnp"
)

// TestReplay plays what real clients said, in the order it was recorded, and expects the
// answers of the protocol notes. testdata/captures/README.md explains the files.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"libpurple-msnp9-full", "bitlbee-1.0-msnp8", "bitlbee-1.2.8-msnp8", "groupchat-libpurple-bitlbee",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("testdata/captures/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			r := newReplay(t, parseCapture(t, string(text)))
			r.play()
		})
	}
}

// An event is one thing that happened on a recorded connection.
type event struct {
	conn  string // #3
	board bool   // to the switchboard
	mark  string // ">" for what a client said, "<" for the server, "connect", "FIN" or "RST" of a client
	lines []string
}

var (
	headForm  = regexp.MustCompile(`^ +[0-9.]+ (#[0-9]+) (C->S|S->C) :(1863|1864) \(client port [0-9]+\)(?: -- (connect|FIN|RST))?$`)
	blockForm = regexp.MustCompile(`^      (?:>>>|<<<) ?(.*)$`)
)

func parseCapture(t *testing.T, text string) []event {
	t.Helper()
	var events []event
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := blockForm.FindStringSubmatch(line); m != nil {
			last := &events[len(events)-1]
			last.lines = append(last.lines, m[1])
			continue
		}
		m := headForm.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("capture: what is %q?", line)
		}
		e := event{conn: m[1], board: m[3] == "1864", mark: m[4]}
		switch {
		case m[2] == "S->C":
			e.mark = "<"
		case e.mark == "":
			e.mark = ">"
		}
		events = append(events, e)
	}
	return events
}

// data returns the bytes of a block. The recorder showed them as UTF-8 if they were that,
// else one character a byte.
func (e event) data(asUTF8 bool) []byte {
	var b []byte
	for _, line := range e.lines {
		for len(line) > 0 {
			r, size := character(line)
			line = line[size:]
			switch {
			case r == '↵':
				b = append(b, "\r\n"...)
			case asUTF8:
				b = utf8.AppendRune(b, r)
			default:
				b = append(b, byte(r))
			}
		}
	}
	return b
}

// character returns the first character of a recorded line, which may be written \x97.
func character(line string) (r rune, size int) {
	if strings.HasPrefix(line, `\x`) && len(line) >= 4 {
		if n, err := strconv.ParseUint(line[2:4], 16, 8); err == nil {
			return rune(n), 4
		}
	}
	return utf8.DecodeRuneInString(line)
}

var commandForm = regexp.MustCompile(`^[A-Z]{3}( [^\r\n]*)?$`)

// cut splits a segment into lines and payloads, of which a first one may be owed from the
// segment before. ok is false when the bytes cannot be meant so.
func cut(data []byte, owed int) (parts [][]byte, left int, ok bool) {
	for len(data) > 0 {
		if owed > 0 {
			n := min(owed, len(data))
			parts, data, owed = append(parts, data[:n]), data[n:], owed-n
			continue
		}
		line, rest, found := bytes.Cut(data, []byte("\r\n"))
		if !found || !commandForm.Match(line) {
			return nil, 0, false
		}
		parts, data = append(parts, line), rest
		if words := strings.Fields(string(line)); words[0] == "MSG" {
			owed, _ = strconv.Atoi(words[3])
		}
	}
	return parts, owed, true
}

// someone is a person of a capture, as far as his own client and this test know.
type someone struct {
	handle  string
	name    string // in wire form
	ns      *link  // while signed in
	version msnp.Version
	online  bool // has sent his first CHG
	status  string
	object  string // with a blank before it, or ""
	friends []string
}

// link is a recorded connection and the one that plays it.
type link struct {
	name  string // A.sb2
	who   *someone
	gone  bool
	owed  int // bytes of the payload that are still to come
	msg   []string
	body  []byte
	nick  string // at the entrance to a conversation
	talks *talk
}

// talk is a conversation.
type talk struct {
	id string // the placeholder of its number
	in []*link
}

// hears returns the step that expects a line on the link.
func (l *link) hears(format string, args ...any) string {
	return l.name + "< " + fmt.Sprintf(format, args...) + "\n"
}

// replay is a capture on its way through our server.
type replay struct {
	t      *testing.T
	p      *msntest.Player
	events []event
	people map[string]*someone
	links  map[string]*link
	given  map[string]string   // what the recorded server gave out: the placeholder for ours
	rings  map[string][]string // the RNGs recorded on a connection
	talks  map[string]*talk
}

func newReplay(t *testing.T, events []event) *replay {
	f := msntest.Start(t, nil)
	r := &replay{
		t: t, p: msntest.NewPlayer(t, f), events: events,
		people: make(map[string]*someone), links: make(map[string]*link), given: make(map[string]string),
		rings: make(map[string][]string), talks: make(map[string]*talk),
	}
	for _, e := range events {
		for _, line := range e.lines {
			r.scan(e, strings.Fields(strings.TrimSuffix(line, "↵")))
		}
	}
	for handle := range r.people {
		if _, err := f.Store.CreateUser(t.Context(), handle, handle, ""); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// scan learns who uses a connection and what the recorded server gave out.
func (r *replay) scan(e event, words []string) {
	verb := strings.Join(words[:min(1, len(words))], "")
	switch {
	case e.mark == ">" && verb == "USR" && !e.board && words[3] == "I":
		r.link(e, words[4])
	case e.mark == ">" && (verb == "USR" || verb == "ANS") && e.board:
		r.link(e, words[2])
	case e.mark == "<" && verb == "XFR":
		r.give("cki", words[5])
		r.given[e.conn+" XFR "+words[1]] = r.given[words[5]]
	case e.mark == "<" && verb == "RNG":
		r.give("sid", words[1])
		r.give("cki", words[4])
		r.rings[e.conn] = append(r.rings[e.conn], strings.Join(words, " "))
	case e.mark == "<" && verb == "ADG":
		r.given[e.conn+" ADG "+words[3]] = "group" + strings.TrimPrefix(e.conn, "#") + "x" + words[4]
		r.given[e.conn+" group "+words[4]] = r.given[e.conn+" ADG "+words[3]]
	}
}

// give makes a placeholder for a value of the recorded server.
func (r *replay) give(kind, value string) {
	if r.given[value] == "" {
		r.given[value] = kind + strconv.Itoa(len(r.given))
	}
}

func (r *replay) link(e event, handle string) {
	who := r.people[handle]
	if who == nil {
		who = &someone{handle: handle, name: handle}
		r.people[handle] = who
	}
	name := strings.ToUpper(handle[:1]) + map[bool]string{false: ".ns", true: ".sb"}[e.board]
	for n := 2; slices.ContainsFunc(mapValues(r.links), func(l *link) bool { return l.name == name }); n++ {
		name = strings.TrimRight(name, "0123456789") + strconv.Itoa(n)
	}
	r.links[e.conn] = &link{name: name, who: who}
}

func mapValues(m map[string]*link) []*link {
	all := make([]*link, 0, len(m))
	for _, l := range m {
		all = append(all, l)
	}
	return all
}

// play goes through the events. After each it waits until all it causes has come.
func (r *replay) play() {
	r.t.Helper()
	commands := 0
	for _, e := range r.events {
		l := r.links[e.conn]
		switch e.mark {
		case "connect":
			r.p.Play("open " + l.name)
		case ">":
			r.say(e, l)
			commands++
		case "FIN", "RST":
			if !l.gone {
				r.p.Play(l.name + map[string]string{"FIN": "!", "RST": "! reset"}[e.mark])
				r.p.Play(r.leave(l))
			}
		}
	}
	if commands == 0 {
		r.t.Error("nobody said anything")
	}
	r.p.Finish()
}

// say sends one segment and plays what follows from it.
func (r *replay) say(e event, l *link) {
	r.t.Helper()
	parts, owed, ok := cut(e.data(true), l.owed)
	if !ok {
		if parts, owed, ok = cut(e.data(false), l.owed); !ok {
			r.t.Fatalf("capture, %s: %q", e.conn, e.lines)
		}
	}
	var sent, then strings.Builder
	for _, part := range parts {
		if l.owed > 0 {
			l.owed -= len(part)
			l.body = append(l.body, part...)
			sent.WriteString(braces(string(part)))
			if l.owed == 0 {
				then.WriteString(r.relayed(l))
			}
			continue
		}
		words := strings.Split(string(part), " ")
		then.WriteString(r.command(e, l, words))
		sent.WriteString(strings.Join(words, " ") + "\r\n")
	}
	if l.owed != owed {
		r.t.Fatalf("capture, %s: %d bytes are owed, not %d", e.conn, l.owed, owed)
	}
	r.p.Play(l.name + ">> " + strconv.QuoteToASCII(sent.String()))
	r.p.Play(then.String())
}

// braces keeps the braces of a payload from being taken for placeholders.
func braces(s string) string { return strings.ReplaceAll(s, "{", "{{") }

// command puts into words what our server gave out, and returns what must follow.
func (r *replay) command(e event, l *link, words []string) string {
	r.t.Helper()
	handlers := map[string]func(*replay, event, *link, []string) string{
		"VER": (*replay).ver, "CVR": (*replay).cvr, "USR": (*replay).usr, "SYN": (*replay).syn, "CHG": (*replay).chg,
		"BLP": (*replay).blp, "URL": (*replay).url, "ADG": (*replay).adg, "ADD": (*replay).add, "REA": (*replay).rea,
		"XFR": (*replay).xfr, "OUT": (*replay).out,
	}
	if e.board {
		handlers = map[string]func(*replay, event, *link, []string) string{
			"USR": (*replay).enter, "CAL": (*replay).cal, "ANS": (*replay).ans, "MSG": (*replay).message, "OUT": (*replay).out,
		}
	}
	handle := handlers[words[0]]
	if handle == nil {
		r.t.Fatalf("capture, %s: what is to follow on %q?", e.conn, words)
	}
	return handle(r, e, l, words)
}

func (r *replay) ver(_ event, l *link, words []string) string {
	l.who.version = msnp.MSNP8
	if words[2] == "MSNP9" {
		l.who.version = msnp.MSNP9
	}
	return l.hears("VER %s %s CVR0", words[1], words[2])
}

func (r *replay) cvr(_ event, l *link, words []string) string {
	return l.hears("CVR %s {_} {_} {_} {_} {_}", words[1])
}

func (r *replay) usr(_ event, l *link, words []string) string {
	if words[3] == "I" {
		return l.hears("USR %s TWN S lc={_}", words[1])
	}
	r.p.Play("ticket " + l.who.handle)
	words[4] = "{ticket}"
	l.who.ns = l
	return l.hears("USR %s OK %s %s 1 0", words[1], l.who.handle, l.who.name) +
		l.hears("MSG Hotmail Hotmail {n} + {profile}")
}

// syn is answered with the lists of a new account.
func (r *replay) syn(_ event, l *link, words []string) string {
	return l.hears("SYN %s {v} 0 1", words[1]) + l.hears("GTC A") + l.hears("BLP AL") + l.hears("LSG 0 Other%%20Contacts 0")
}

func (r *replay) chg(_ event, l *link, words []string) string {
	w := l.who
	first, before := !w.online, w.status+w.object
	w.online, w.object = true, ""
	w.status = words[2] + " {handle} {name} 0"
	if len(words) > 3 {
		w.status = words[2] + " {handle} {name} " + words[3]
	}
	if len(words) > 4 {
		w.object = " " + words[4]
	}
	then := l.hears("%s", strings.Join(words, " "))
	if first {
		for _, friend := range w.friends {
			then += r.initial(w, words[1], r.people[friend])
		}
	}
	if first || w.status+w.object != before {
		then += r.announce(w)
	}
	return then
}

// initial is the presence of a friend who is there.
func (r *replay) initial(viewer *someone, trid string, of *someone) string {
	if !of.online {
		return ""
	}
	return viewer.ns.hears("ILN %s %s", trid, of.shown(viewer))
}

// shown is somebody's presence as a viewer's dialect has it.
func (w *someone) shown(viewer *someone) string {
	text := strings.NewReplacer("{handle}", w.handle, "{name}", w.name).Replace(w.status)
	if viewer.version >= msnp.MSNP9 {
		text += w.object
	}
	return text
}

// announce tells everybody who watches about the present state.
func (r *replay) announce(w *someone) string {
	then := ""
	for _, v := range r.watchers(w) {
		then += v.ns.hears("NLN %s", w.shown(v))
	}
	return then
}

// watchers are those who are there and have w on their forward list. Nobody in the
// captures blocks anybody.
func (r *replay) watchers(w *someone) []*someone {
	var all []*someone
	for _, v := range r.people {
		if v.online && slices.Contains(v.friends, w.handle) {
			all = append(all, v)
		}
	}
	return all
}

// blp is what libpurple says after every sign-in, and always too late.
func (r *replay) blp(_ event, l *link, words []string) string { return l.hears("218 %s", words[1]) }

func (r *replay) url(_ event, l *link, words []string) string {
	return l.hears("URL %s {_} {_} {_}", words[1])
}

func (r *replay) adg(e event, l *link, words []string) string {
	return l.hears("ADG %s {v+} %s {%s} 0", words[1], wire(words[2]), r.given[e.conn+" ADG "+words[2]])
}

// wire is a name as the server writes it.
func wire(name string) string { return msnp.Escape(msnp.Unescape(name)) }

func (r *replay) add(e event, l *link, words []string) string {
	group := ""
	if len(words) == 6 {
		words[5] = "{" + r.given[e.conn+" group "+words[5]] + "}"
		group = " " + words[5]
	}
	then := l.hears("ADD %s %s {v+} %s %s%s", words[1], words[2], words[3], wire(words[4]), group)
	other := r.people[words[3]]
	if words[2] != "FL" || slices.Contains(l.who.friends, other.handle) {
		return then
	}
	l.who.friends = append(l.who.friends, other.handle)
	for _, property := range []string{"PHH", "PHW", "PHM", "MOB N"} {
		then += l.hears("BPR {v} %s %s", other.handle, property)
	}
	then += r.initial(l.who, words[1], other)
	if other.ns != nil {
		then += other.ns.hears("ADD 0 RL {v+} %s %s", l.who.handle, l.who.name)
	}
	return then
}

func (r *replay) rea(_ event, l *link, words []string) string {
	then := l.hears("REA %s {v+} %s %s", words[1], words[2], wire(words[3]))
	if words[2] == l.who.handle {
		l.who.name = wire(words[3])
		then += r.announce(l.who)
	}
	return then
}

func (r *replay) xfr(e event, l *link, words []string) string {
	return l.hears("XFR %s SB {addr} CKI {%s}", words[1], r.given[e.conn+" XFR "+words[1]])
}

func (r *replay) out(_ event, l *link, _ []string) string { return l.name + " x\n" + r.leave(l) }

// leave is what others are told at the end of a connection.
func (r *replay) leave(l *link) string {
	l.gone = true
	then := ""
	if l.talks == nil {
		if l.who.ns == l {
			for _, v := range r.watchers(l.who) {
				then += v.ns.hears("FLN %s", l.who.handle)
			}
			l.who.ns, l.who.online = nil, false
		}
		return then
	}
	l.talks.in = slices.DeleteFunc(l.talks.in, func(other *link) bool { return other == l })
	for _, other := range l.talks.in {
		then += other.hears("BYE %s", l.who.handle)
	}
	return then
}

func (r *replay) enter(_ event, l *link, words []string) string {
	words[3] = "{" + r.given[words[3]] + "}"
	l.nick, l.talks = l.who.name, &talk{in: []*link{l}}
	return l.hears("USR %s OK %s %s", words[1], l.who.handle, l.nick)
}

func (r *replay) cal(_ event, l *link, words []string) string {
	callee := r.people[words[2]].ns
	conn := ""
	for name, other := range r.links {
		if other == callee {
			conn = name
		}
	}
	ring := strings.Fields(r.rings[conn][0])
	r.rings[conn] = r.rings[conn][1:]
	l.talks.id = r.given[ring[1]]
	r.talks[l.talks.id] = l.talks
	return l.hears("CAL %s RINGING {%s}", words[1], l.talks.id) +
		callee.hears("RNG {%s} {addr} CKI {%s} %s %s", l.talks.id, r.given[ring[4]], l.who.handle, l.nick)
}

func (r *replay) ans(_ event, l *link, words []string) string {
	l.nick, l.talks = l.who.name, r.talks[r.given[words[4]]]
	words[3], words[4] = "{"+r.given[words[3]]+"}", "{"+r.given[words[4]]+"}"
	then, joins := "", ""
	for i, other := range l.talks.in {
		then += l.hears("IRO %s %d %d %s %s", words[1], i+1, len(l.talks.in), other.who.handle, other.nick)
		joins += other.hears("JOI %s %s", l.who.handle, l.nick)
	}
	l.talks.in = append(l.talks.in, l)
	return then + l.hears("ANS %s OK", words[1]) + joins
}

// message is the line of a MSG; what follows on it follows on its last byte.
func (r *replay) message(_ event, l *link, words []string) string {
	l.msg, l.body = slices.Clone(words), nil
	l.owed, _ = strconv.Atoi(words[3])
	return ""
}

func (r *replay) relayed(l *link) string {
	then := ""
	for _, other := range l.talks.in {
		if other != l {
			then += other.hears("MSG %s %s %d + %s", l.who.handle, l.nick, len(l.body), strconv.QuoteToASCII(braces(string(l.body))))
		}
	}
	if len(l.talks.in) > 1 && strings.Contains("ADS", l.msg[2]) {
		then += l.hears("ACK %s", l.msg[1])
	}
	return then
}

// TestWikiExample plays the example of the wiki's MSNP9 page as it is printed there.
func TestWikiExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/captures/wiki-msnp9-example.txt")
	if err != nil {
		t.Fatal(err)
	}
	f := msntest.Start(t, map[string]string{"protocol.ver_reply": "single"})
	wikiAccounts(t, f)
	p := msntest.NewPlayer(t, f)
	// The friend of the page is there, with the picture of the page.
	_, friend, _ := strings.Cut(string(text), "S: ILN 9 NLN anotheruser@hotmail.com another%20user ")
	friend, _, _ = strings.Cut(friend, "\n")
	p.Play(strings.ReplaceAll(`ticket anotheruser@hotmail.com
		A.ns> VER 1 MSNP9
		A.ns< VER 1 MSNP9
		A.ns> USR 2 TWN I anotheruser@hotmail.com
		A.ns< USR 2 TWN S {_}
		A.ns> USR 3 TWN S {ticket}
		A.ns< USR 3 OK anotheruser@hotmail.com another%20user 1 0
		A.ns< MSG Hotmail Hotmail {n} + {profile}
		A.ns> CHG 4 NLN {friend}
		A.ns< CHG 4 NLN {friend}
		ticket example@hotmail.com`, "{friend}", friend))
	conn := "E.ds"
	for line := range strings.Lines(string(text)) {
		side, words, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case side == "C":
			p.Play(strings.ReplaceAll(wikiClient(conn, words), "{friend}", friend))
		case strings.HasPrefix(words, "XFR "):
			p.Play(wikiServer(conn, words) + "\nE.ds!")
			conn = "E.ns"
		default:
			p.Play(wikiServer(conn, words))
		}
	}
	p.Play("A.ns< FLN example@hotmail.com")
	p.Finish()
}

// wikiAccounts makes the two people of the page: the one who signs in has his lists at
// version 15.
func wikiAccounts(t *testing.T, f *msntest.Fixture) {
	t.Helper()
	ctx := t.Context()
	me, err := f.Store.CreateUser(ctx, "example@hotmail.com", "example", "")
	if err != nil {
		t.Fatal(err)
	}
	friend, err := f.Store.CreateUser(ctx, "anotheruser@hotmail.com", "another user", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]im.User{{me, friend}, {friend, me}} {
		a := store.Addition{List: im.Forward, Handle: pair[1].Handle, Name: pair[1].Name, Group: -1, Limit: 600}
		if _, err := f.Store.Add(ctx, pair[0].ID, a); err != nil {
			t.Fatal(err)
		}
	}
	for version := uint32(0); version < 15; {
		name := fmt.Sprintf("example %d", version)
		if version == 14 {
			name = "example user"
		}
		if version, err = f.Store.Rename(ctx, me.ID, name); err != nil {
			t.Fatal(err)
		}
	}
}

// wikiClient returns the steps for a line of the client.
func wikiClient(conn, line string) string {
	words := strings.Fields(line)
	steps := ""
	switch {
	case words[0] == "USR" && words[3] == "S":
		line = strings.Join(words[:4], " ") + " {ticket}"
	case words[0] == "PNG": // here the page shows a line about the friend, so something happened to him
		steps = "A.ns< NLN NLN example@hotmail.com example%20user 0\n" +
			"A.ns> CHG 5 BSY {friend}\nA.ns< CHG 5 BSY {friend}\n" +
			conn + "< NLN BSY anotheruser@hotmail.com another%20user {friend}\n" +
			"A.ns> CHG 6 NLN {friend}\nA.ns< CHG 6 NLN {friend}\nA.ns> PNG\nA.ns< QNG 60\n"
	}
	return steps + conn + "> " + line
}

// wikiServer returns the steps for a line of the server. Where the page shows what only its
// server can have said, the form must be the same.
func wikiServer(conn, line string) string {
	words := strings.Fields(line)
	switch {
	case words[0] == "CVR":
		line = "CVR " + words[1] + " {_} {_} {_} {_} {_}"
	case words[0] == "XFR":
		line = "XFR " + words[1] + " NS {addr} 0 {addr}"
	case words[0] == "USR" && words[2] == "TWN":
		line = "USR " + words[1] + " TWN S lc={_}"
	case words[0] == "MSG":
		line = "MSG Hotmail Hotmail {n} + {profile}"
	case words[0] == "OUT": // ours only closes: the client has hung up already
		return conn + " x"
	}
	return conn + "< " + line
}
