package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"maps"
	"math"
	"path"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	decimal "golang.org/x/text/number"
)

// messageFiles are the catalogues: a directory for each language, in it a file for each area of
// the site. Every text is "area.key": "text with {name}"; one that depends on the number {n}
// has its forms in "area.key.one", "area.key.other" and whatever else the language has.
//
//go:embed messages
var messageFiles embed.FS

// english is what a text falls back to.
const english = "en"

// languages are those the site speaks.
type languages struct {
	all     []*catalogue // English first
	matcher language.Matcher
}

// catalogue is everything the site says, in one language.
type catalogue struct {
	tag      language.Tag
	name     string // of the language, in HTML and in addresses
	texts    map[string]string
	fallback *catalogue // nil: none
}

func loadLanguages() (*languages, error) {
	dirs, err := fs.ReadDir(messageFiles, "messages")
	if err != nil {
		return nil, err
	}
	en, err := loadCatalogue(english)
	if err != nil {
		return nil, err
	}
	l := &languages{all: []*catalogue{en}}
	for _, dir := range dirs {
		if dir.Name() == english {
			continue
		}
		c, err := loadCatalogue(dir.Name())
		if err != nil {
			return nil, err
		}
		c.fallback = en
		l.all = append(l.all, c)
	}
	tags := make([]language.Tag, len(l.all))
	for i, c := range l.all {
		tags[i] = c.tag
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

func loadCatalogue(name string) (*catalogue, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("messages/%s is named after no language: %w", name, err)
	}
	c := &catalogue{tag: tag, name: tag.String(), texts: make(map[string]string)}
	files, err := fs.Glob(messageFiles, path.Join("messages", name, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		area, err := readMessages(file)
		if err != nil {
			return nil, err
		}
		maps.Copy(c.texts, area)
	}
	return c, nil
}

func readMessages(file string) (map[string]string, error) {
	text, err := messageFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	if err := json.Unmarshal(text, &texts); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return texts, nil
}

// match returns the language that suits best: the one chosen, or else what the browser accepts.
func (l *languages) match(chosen, accepted string) *catalogue {
	for _, c := range l.all {
		if c.name == chosen {
			return c
		}
	}
	tags, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return l.all[0]
	}
	_, i, _ := l.matcher.Match(tags...)
	return l.all[i]
}

// find returns a text as it is in the catalogue, which may be the form for a number.
func (c *catalogue) find(key string, values []any) string {
	if text, ok := c.texts[key]; ok {
		return text
	}
	for i := 0; i+1 < len(values); i += 2 {
		if n, ok := values[i+1].(int); ok && values[i] == "n" {
			if text, ok := c.texts[key+"."+form(c.tag, n)]; ok {
				return text
			}
			if text, ok := c.texts[key+".other"]; ok {
				return text
			}
		}
	}
	if c.fallback != nil {
		return c.fallback.find(key, values)
	}
	return key
}

// forms are the plural forms, as keys name them.
var forms = map[plural.Form]string{
	plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many",
}

// form names the plural form of a number.
func form(tag language.Tag, n int) string {
	return forms[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
}

// text returns a text with its values, which come in pairs of name and value.
func (c *catalogue) text(key string, values ...any) string {
	text := c.find(key, values)
	if len(values) == 0 { // as nearly all texts of a page
		return text
	}
	return strings.NewReplacer(fill(values, func(v any) string { return fmt.Sprint(v) })...).Replace(text)
}

// rich does the same for texts with markup in their values, such as those of [link]. The text
// itself and all other values are text.
func (c *catalogue) rich(key string, values ...any) template.HTML {
	text := html.EscapeString(c.find(key, values))
	escaped := fill(values, func(v any) string {
		if markup, ok := v.(template.HTML); ok {
			return string(markup)
		}
		return html.EscapeString(fmt.Sprint(v))
	})
	return template.HTML(strings.NewReplacer(escaped...).Replace(text)) //nolint:gosec // all of it was escaped
}

// number writes a number as people do who read the language, with as many decimals as matter.
func (c *catalogue) number(n any) string {
	digits := 1
	if v, ok := n.(float64); ok {
		switch v = math.Abs(v); {
		case v >= 100:
			digits = 0
		case v < 0.1:
			digits = 3
		case v < 1:
			digits = 2
		}
	}
	return message.NewPrinter(c.tag).Sprint(decimal.Decimal(n, decimal.MaxFractionDigits(digits)))
}

// mebi writes a number of bytes in MiB.
func (c *catalogue) mebi(bytes int64) string { return c.number(bytes/mebi) + "\u00a0MiB" }

// fill makes pairs for a replacer.
func fill(values []any, show func(any) string) []string {
	var pairs []string
	for i := 0; i+1 < len(values); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", values[i]), show(values[i+1]))
	}
	return pairs
}
