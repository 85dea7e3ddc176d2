package reference

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/command"
)

// prompted are what may stand before a command.
var prompted = regexp.MustCompile(`^(?:\$ |sudo (?:-u \w+ )?|docker compose exec \S+ |kubectl exec \S+ -- |[A-Z_]+=\S+ |printf .*\| |echo .*\| |\d+ \d+ \* \* \* \w+ |ExecStart=)*(?:/usr/local/bin/|/usr/bin/|bin/)?(?:monarch|go run \./cmd/monarch) `)

// commandLines returns the arguments of each call of the program in a line.
func commandLines(line string) [][]string {
	line = strings.TrimSpace(line)
	at := prompted.FindStringIndex(line)
	if at == nil || anyCommand.MatchString(line[at[1]:]) {
		return nil
	}
	return [][]string{words(line[at[1]:])}
}

// anyCommand matches what is no command though it begins with the program's name: git clone's arguments, or a
// line that stands for any command.
var anyCommand = regexp.MustCompile(`^(?:&& |COMMAND|<|\[)`)

// words splits what follows a command as a shell does, up to where it goes on with something else.
func words(line string) []string {
	var all []string
	var b strings.Builder
	quote, begun, inner := rune(0), false, 0
	end := func() {
		if begun {
			all = append(all, b.String())
		}
		b.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case r == '(' || r == ')' && inner > 0: // of $(date)
			inner += map[rune]int{'(': 1, ')': -1}[r]
			b.WriteRune(r)
		case inner > 0:
			b.WriteRune(r)
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			b.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			end()
		case r == '#' && !begun, strings.ContainsRune("|>;&", r):
			end()
			return all
		default:
			b.WriteRune(r)
			begun = true
		}
	}
	end()
	return all
}

// wrong says what is wrong with a command that a sentence names, perhaps without its arguments.
func wrong(entries []command.Entry, code string) string {
	rest, ok := strings.CutPrefix(code, "monarch ")
	if !ok {
		return ""
	}
	var found command.Entry
	said := words(rest)
	for len(said) > 0 && strings.HasPrefix(said[0], "--config") || len(said) > 0 && strings.HasPrefix(said[0], "--data") {
		said = said[min(2, len(said)):]
	}
	for n := len(said); n > 0 && found.Name == ""; n-- {
		for _, e := range entries {
			if e.Name == "monarch "+strings.Join(said[:n], " ") {
				found, said = e, said[n:]
				break
			}
		}
	}
	if found.Name == "" {
		if strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "COMMAND") {
			return ""
		}
		return fmt.Sprintf("there is no command %q", code)
	}
	if found.Group && len(said) > 0 && !strings.HasPrefix(said[0], "--") {
		return fmt.Sprintf("there is no command %q", code)
	}
	for _, word := range said {
		flag, _, _ := strings.Cut(word, "=")
		if strings.HasPrefix(flag, "--") && !takesFlag(entries[0], flag) && !takesFlag(found, flag) {
			return fmt.Sprintf("%s has no flag %s", found.Name, flag)
		}
	}
	return ""
}

func takesFlag(e command.Entry, flag string) bool {
	if flag == "--help" {
		return true
	}
	for _, f := range e.Flags {
		for name := range strings.FieldsSeq(f.Name) {
			name, _, _ = strings.Cut(name, "=")
			if strings.TrimSuffix(name, ",") == flag {
				return true
			}
		}
	}
	return false
}

func TestCommandLines(t *testing.T) {
	for line, want := range map[string][][]string{
		"monarch user list": {{"user", "list"}},
		"sudo -u monarch monarch --config /etc/m.toml doctor":      {{"--config", "/etc/m.toml", "doctor"}},
		"printf 'secret\\n' | monarch user add a@b.c --nick 'A B'": {{"user", "add", "a@b.c", "--nick", "A B"}},
		"0 4 * * * monarch monarch backup x/$(date +\\%F).db":      {{"backup", "x/$(date +\\%F).db"}},
		"A=1 B=2 monarch serve # as before":                        {{"serve"}},
		"monarch audit --json | jq .event":                         {{"audit", "--json"}},
		"monarch COMMAND --help":                                   nil,
		"git clone ... monarch && cd monarch":                      nil,
		"systemctl restart monarch":                                nil,
	} {
		if diff := cmp.Diff(want, commandLines(line)); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}
