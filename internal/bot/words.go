package bot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode"

	"monarch/msnp"
)

// name is what the bot answers to among several people.
const name = "butterfly"

// command is a word that the bot obeys.
type command struct {
	words []string // the first is shown by help
	help  string
	run   func(ctx context.Context, t *talk, from, rest string) error
}

// commands are built by a function because help lists them.
func commands() []command {
	return []command{
		{[]string{"help", "?"}, "this list", help},
		{[]string{"who", "online"}, "who of my friends is on line", saying(who)},
		{[]string{"picture", "photo", "pic"}, "I send you my picture", func(ctx context.Context, t *talk, from, _ string) error {
			return t.sendPicture(ctx, from)
		}},
		{[]string{"nudge"}, "I nudge you", func(_ context.Context, t *talk, _, _ string) error { return t.chat.Nudge() }},
		{[]string{"joke"}, "I tell a joke", saying(func(*talk, string) string { return pick(jokes) })},
		{[]string{"roll", "dice"}, "I roll dice: roll, roll 20, roll 3d6", saying(func(_ *talk, rest string) string { return roll(rest) })},
		{[]string{"time", "date"}, "what the server's clock says", saying(func(*talk, string) string {
			return time.Now().Format("It is 15:04:05 on Monday, 2 January 2006 (MST).")
		})},
		{[]string{"echo", "say"}, "I say it after you", saying(echo)},
	}
}

// saying makes a command of what only says something.
func saying(what func(t *talk, rest string) string) func(context.Context, *talk, string, string) error {
	return func(ctx context.Context, t *talk, _, rest string) error { return t.send(ctx, what(t, rest)) }
}

// addressed cuts the bot's name off the beginning of a text, and reports whether it was there.
func addressed(text string) (rest string, called bool) {
	text = strings.TrimSpace(text)
	trimmed := strings.TrimLeft(text, "@!")
	if len(trimmed) < len(name) || !strings.EqualFold(trimmed[:len(name)], name) {
		return text, false
	}
	rest = trimmed[len(name):]
	if r := []rune(rest); len(r) > 0 && (unicode.IsLetter(r[0]) || unicode.IsDigit(r[0])) {
		return text, false // butterflies
	}
	return strings.TrimLeft(rest, " ,:;.!?\t\n"), true
}

// answer obeys, or makes conversation.
func (t *talk) answer(ctx context.Context, from, text string) error {
	word, rest, _ := strings.Cut(text, " ")
	word = strings.ToLower(strings.Trim(word, "!/.,"))
	for _, c := range commands() {
		for _, w := range c.words {
			if w == word {
				return c.run(ctx, t, from, strings.TrimSpace(rest))
			}
		}
	}
	return t.send(ctx, smallTalk(text))
}

func help(ctx context.Context, t *talk, _, _ string) error {
	var b strings.Builder
	b.WriteString("I understand:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "%s - %s\n", c.words[0], c.help)
	}
	b.WriteString("Nudge me, invite me to a chat with others, or add me to your list: I come along.")
	return t.send(ctx, b.String())
}

// statusWords are the statuses as people say them.
var statusWords = map[msnp.Status]string{
	msnp.Busy: "busy", msnp.Idle: "idle", msnp.BRB: "back soon", msnp.Away: "away",
	msnp.Phone: "on the phone", msnp.Lunch: "out to lunch",
}

// who lists the friends who are there.
func who(t *talk, _ string) string {
	var there []string
	for _, c := range t.b.client.Roster().Contacts {
		if c.Status == "" || c.Status == msnp.Offline || c.Status == msnp.Hidden {
			continue
		}
		line := c.Name
		if line == "" {
			line = c.Handle
		}
		if words := statusWords[c.Status]; words != "" {
			line += " (" + words + ")"
		}
		there = append(there, line)
	}
	const most = 20
	switch more := len(there) - most; {
	case len(there) == 0:
		return "Nobody I know is on line. How do I talk to you, then?"
	case more > 0:
		return fmt.Sprintf("On line: %s, and %d more.", strings.Join(there[:most], ", "), more)
	}
	return "On line: " + strings.Join(there, ", ") + "."
}

// Bounds of a roll.
const (
	maxDice  = 20
	maxSides = 1000
)

// roll throws what "3d6", "20" or nothing asks for.
func roll(what string) string {
	count, sides := 1, 6
	if what != "" {
		n, s, many := strings.Cut(strings.ToLower(what), "d")
		if !many {
			n, s = "1", n
		}
		var err, err2 error
		count, err = strconv.Atoi(strings.TrimSpace(n))
		sides, err2 = strconv.Atoi(strings.TrimSpace(s))
		if err != nil || err2 != nil || count < 1 || count > maxDice || sides < 2 || sides > maxSides {
			return fmt.Sprintf("I have up to %d dice of up to %d sides. Say \"roll\", \"roll 20\" or \"roll 3d6\".", maxDice, maxSides)
		}
	}
	sum, each := 0, make([]string, count)
	for i := range each {
		n := rand.IntN(sides) + 1
		sum += n
		each[i] = strconv.Itoa(n)
	}
	if count == 1 {
		return "You get a " + each[0] + "."
	}
	return fmt.Sprintf("%s: %d together.", strings.Join(each, " + "), sum)
}

func echo(_ *talk, rest string) string {
	const most = 400
	if r := []rune(rest); len(r) > most {
		return string(r[:most]) + "... and I am out of breath."
	}
	if rest == "" {
		return "Say \"echo\" and something after it."
	}
	return rest
}

// jokes are our own, which is no excuse.
var jokes = []string{
	"Why did the caterpillar sign out? It was going through changes, and wanted a new display picture.",
	"I asked the switchboard for a room with a view. It gave me a session with a cookie.",
	"A moth came into the chat. It only wanted to see the light of the modem.",
	"How many people does it take to change a light bulb? One, and 149 who change their status to Be Right Back.",
	"I told my friends a joke about UDP. I am not sure that they got it.",
	"Knock, knock. - Who is there? - ... - Nobody: the session has been idle for five minutes.",
	"What do you call a butterfly that never signs in? A flutter-by.",
}

// replies are for what people say when they do not read help. The first that fits is used.
var replies = []struct {
	words []string
	says  []string
}{
	{[]string{"hello", "hi", "hey", "hallo", "hola", "bonjour", "greetings"}, []string{"Hello again!", "Hi! Nice to see you.", "Hello! What a day to fly."}},
	{[]string{"thanks", "thank", "thx", "danke", "merci"}, []string{"With pleasure.", "You are welcome!"}},
	{[]string{"bye", "goodbye", "ciao", "cya"}, []string{"Bye! Leave a flower open for me.", "See you on the line."}},
	{[]string{"love", "<3", "(l)"}, []string{"(L)", "I am flattered. All four wings of me."}},
	{[]string{"lol", "haha", "rofl", ":d", ":-d"}, []string{":-D", "I have more of these: say \"joke\"."}},
	{[]string{":)", ":-)", ";)", ";-)"}, []string{":-)", ";-)"}},
	{[]string{":(", ":-(", ":'("}, []string{"Don't be sad. Say \"joke\".", "(F)"}},
	{[]string{"bot", "robot", "real", "human"}, []string{"I am a program that thinks it is a butterfly. Or the other way round."}},
	{[]string{"msn", "messenger", "server", "monarch"}, []string{"It is good to be back, isn't it?", "A monarch is a butterfly that travels far. Like us."}},
}

// smallTalk answers what is no command.
func smallTalk(text string) string {
	said := make(map[string]bool)
	for _, w := range strings.Fields(strings.ToLower(text)) {
		said[w] = true
		said[strings.TrimFunc(w, unicode.IsPunct)] = true
	}
	for _, r := range replies {
		for _, w := range r.words {
			if said[w] {
				return pick(r.says)
			}
		}
	}
	if strings.HasSuffix(strings.TrimSpace(text), "?") {
		return pick([]string{
			"Good question. I only know flowers and a few words: say \"help\".",
			"I would have to ask the queen of the garden. Until then, say \"help\".",
		})
	}
	return pick([]string{
		"I see. (I don't. Say \"help\" for what I understand.)",
		"Tell me more! Or say \"joke\".",
		"My head is the size of a pin. Say \"help\", and we find something I can do.",
	})
}

func pick(all []string) string { return all[rand.IntN(len(all))] }
