package msntest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// op is what a step does.
type op int

const (
	opDo       op = iota // a directive or macro; text is its words
	opSend               // text is the line
	opRaw                // text is the decoded Go string
	opWant               // text is the pattern
	opOptional           // as opWant, but nothing may come instead
	opQuiet
	opClosed  // by the server
	opShut    // by the client; text says how
	opRefused // the server does not take the connection
	opAny
	opEither
	opTogether
	opRepeat
)

// step is one line of a transcript, or a block of them.
type step struct {
	place  string // file:line
	source string // as written
	op     op
	conn   string // A.ns
	text   string
	with   *payload
	count  int // of opRepeat
	from   int // of opRepeat: what the counter starts at
	blocks [][]step
}

// payload is what follows a line: a fixture or a text, or a rule about what comes.
type payload struct {
	text string // as written: P-HELLO, a decoded Go string, {profile} or {any}
	kind payloadKind
}

type payloadKind int

const (
	payloadText payloadKind = iota
	payloadFixture
	payloadProfile
	payloadAny
)

// script is a parsed transcript file.
type script struct {
	header    []step
	settings  []string // of the header: key=value
	fragments map[string][]step
	sections  []section
}

// section is a part of a transcript that runs as a test of its own.
type section struct {
	name     string
	settings []string
	steps    []step
}

var (
	stepForm    = regexp.MustCompile(`^([A-Z][0-9]*\.(?:ds|ns|sb)[0-9]*)(>>|>|<|!| -$| x$| refused$)[ \t]?(.*)$`)
	payloadForm = regexp.MustCompile(`^(.*) \+ (P-[A-Z0-9-]+|"(?:[^"\\]|\\.)*"|\{profile\}|\{any\})$`)
	repeatForm  = regexp.MustCompile(`^repeat ([0-9]+)(?: from ([0-9]+))? \{$`)
	settingForm = regexp.MustCompile(`^set ([a-z0-9_.]+)\s*=\s*(.*)$`)
)

// parser reads a transcript line by line.
type parser struct {
	file  string
	lines []string
	next  int // index of the line to read
}

// parse reads a whole file.
func parse(file, text string) (*script, error) {
	p := &parser{file: file, lines: strings.Split(text, "\n")}
	s := &script{fragments: make(map[string][]step)}
	steps, settings, err := p.part()
	if err != nil {
		return nil, err
	}
	s.header, s.settings = steps, settings
	for p.next < len(p.lines) {
		heading := strings.TrimSpace(p.lines[p.next])
		where := p.place(p.next)
		p.next++
		steps, settings, err := p.part()
		if err != nil {
			return nil, err
		}
		mark, name, _ := strings.Cut(heading, " ")
		switch name = strings.TrimSpace(name); {
		case name == "":
			return nil, fmt.Errorf("%s: a section needs a name", where)
		case mark == "==":
			s.sections = append(s.sections, section{name: name, settings: settings, steps: steps})
		case len(settings) > 0:
			return nil, fmt.Errorf("%s: a fragment cannot change settings", where)
		case s.fragments[name] != nil:
			return nil, fmt.Errorf("%s: a second fragment %q", where, name)
		default:
			s.fragments[name] = steps
		}
	}
	return s, nil
}

// parseSteps reads a transcript that is nothing but steps.
func parseSteps(file, text string) ([]step, error) {
	s, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	if len(s.sections) > 0 || len(s.fragments) > 0 || len(s.settings) > 0 {
		return nil, fmt.Errorf("%s: only steps can be played", file)
	}
	return s.header, nil
}

func (p *parser) place(line int) string { return fmt.Sprintf("%s:%d", p.file, line+1) }

// line returns the next line that says something, trimmed, and where it stands.
func (p *parser) line() (text, place string, ok bool) {
	for p.next < len(p.lines) {
		place = p.place(p.next)
		text = strings.TrimSpace(p.lines[p.next])
		p.next++
		if text != "" && text[0] != '#' {
			return text, place, true
		}
	}
	return "", "", false
}

// part reads the steps and settings up to the next heading.
func (p *parser) part() (steps []step, settings []string, err error) {
	for {
		text, place, ok := p.line()
		if !ok {
			return steps, settings, nil
		}
		if strings.HasPrefix(text, "==") || strings.HasPrefix(text, "-- ") {
			p.next--
			return steps, settings, nil
		}
		if m := settingForm.FindStringSubmatch(text); m != nil {
			settings = append(settings, m[1]+"="+m[2])
			continue
		}
		s, err := p.step(text, place)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, s)
	}
}

// step reads the step that begins with the line text.
func (p *parser) step(text, place string) (step, error) {
	s := step{place: place, source: text}
	switch m := repeatForm.FindStringSubmatch(text); {
	case m != nil:
		s.op = opRepeat
		s.count, _ = strconv.Atoi(m[1])
		s.from = 1
		if m[2] != "" {
			s.from, _ = strconv.Atoi(m[2])
		}
		return p.blocks(s)
	case text == "any {":
		s.op = opAny
		return p.blocks(s)
	case text == "either {":
		s.op = opEither
		return p.blocks(s)
	case text == "at once {":
		s.op = opTogether
		return p.blocks(s)
	}
	line, optional := strings.CutPrefix(text, "optional ")
	m := stepForm.FindStringSubmatch(line)
	if m == nil {
		s.op, s.text = opDo, text
		return s, checkWords(s)
	}
	err := s.connStep(m[1], strings.TrimSpace(m[2]), m[3])
	if err == nil && optional {
		if s.op != opWant {
			err = fmt.Errorf("only a line from the server can be optional")
		}
		s.op = opOptional
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", place, err)
	}
	return s, nil
}

// connStep fills in a step on a connection from its three parts.
func (s *step) connStep(conn, mark, rest string) error {
	s.conn, s.text = conn, rest
	switch mark {
	case ">":
		s.op = opSend
		return s.splitPayload()
	case "<":
		s.op = opWant
		return s.splitPayload()
	case ">>":
		s.op = opRaw
		text, err := strconv.Unquote(rest)
		if err != nil {
			return fmt.Errorf("%s is no Go string", rest)
		}
		s.text = text
	case "!":
		s.op = opShut
		if rest != "" && rest != "reset" && rest != "half" {
			return fmt.Errorf("a client closes, or closes by reset or half, not %q", rest)
		}
	case "-":
		s.op = opQuiet
	case "x":
		s.op = opClosed
	case "refused":
		s.op = opRefused
	}
	return nil
}

// splitPayload takes the payload off the end of the line.
func (s *step) splitPayload() error {
	m := payloadForm.FindStringSubmatch(s.text)
	if m == nil {
		return nil
	}
	s.text, s.with = m[1], &payload{text: m[2]}
	switch {
	case m[2] == "{profile}":
		s.with.kind = payloadProfile
	case m[2] == "{any}":
		s.with.kind = payloadAny
	case m[2][0] == '"':
		text, err := strconv.Unquote(m[2])
		if err != nil {
			return fmt.Errorf("%s is no Go string", m[2])
		}
		s.with.text = text
	default:
		s.with.kind = payloadFixture
		if _, ok := Payload(m[2]); !ok {
			return fmt.Errorf("no fixture is called %s", m[2])
		}
	}
	if s.op == opSend && s.with.kind > payloadFixture {
		return fmt.Errorf("%s cannot be sent", m[2])
	}
	return nil
}

// blocks reads what stands between the braces of s.
func (p *parser) blocks(s step) (step, error) {
	var block []step
	for {
		text, place, ok := p.line()
		switch {
		case !ok:
			return s, fmt.Errorf("%s: no closing brace", s.place)
		case text == "}":
			s.blocks = append(s.blocks, block)
			return s, checkBlocks(s)
		case text == "} or {" && s.op == opEither:
			s.blocks = append(s.blocks, block)
			block = nil
			continue
		}
		inner, err := p.step(text, place)
		if err != nil {
			return s, err
		}
		block = append(block, inner)
	}
}

// checkBlocks refuses blocks the player would not know how to play.
func checkBlocks(s step) error {
	for _, block := range s.blocks {
		if len(block) == 0 {
			return fmt.Errorf("%s: an empty block", s.place)
		}
		for i, b := range block {
			switch {
			case s.op == opAny && b.op != opWant && b.op != opClosed:
				return fmt.Errorf("%s: only lines from the server and closes can come in any order", b.place)
			case s.op == opTogether && b.op != opSend && b.op != opRaw && b.op != opShut:
				return fmt.Errorf("%s: only what clients do can happen at once", b.place)
			case s.op == opEither && i == 0 && b.op != opWant && b.op != opClosed && b.op != opQuiet:
				return fmt.Errorf("%s: a branch begins with what the server does", b.place)
			}
		}
	}
	return nil
}
