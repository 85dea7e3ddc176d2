package config

import (
	_ "embed" // the annotated file
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Annotated is the default file: every key at its default, with a comment above it. It
// parses to exactly [Default].
//
//go:embed monarch.toml
var Annotated string

// Key is one setting, as documentation needs it.
type Key struct {
	Name    string // "limits.ping_interval"
	Env     string // "MONARCH_LIMITS_PING_INTERVAL"
	Type    string // string, bool, int, duration, size, rate or list
	Default string // as the file writes it
	Text    string // what it does; from the comment in [Annotated]
}

// Keys returns every setting in the order of the annotated file.
func Keys() []Key {
	var keys []Key
	def := Default()
	fields := def.fields()
	walkAnnotated(func(name, comment, _ string) {
		f := fields[name]
		keys = append(keys, Key{
			Name:    name,
			Env:     envName(name),
			Type:    typeName(f),
			Default: format(f),
			Text:    comment,
		})
	})
	return keys
}

// Section is the settings that belong together, as documentation needs them.
type Section struct {
	Name string // "limits"
	Text string // what they are about; from the comment in [Annotated]
	Keys []Key
}

// Sections returns every setting by sections, both in the order of the annotated file.
func Sections() []Section {
	var sections []Section
	var comment []string
	keys := Keys()
	for line := range strings.Lines(Annotated) {
		switch text, isComment := strings.CutPrefix(line, "#"); {
		case isComment:
			comment = append(comment, strings.TrimSpace(text))
			continue
		case strings.HasPrefix(line, "["):
			s := Section{Name: strings.Trim(line, "[]\n"), Text: strings.Join(comment, " ")}
			for len(keys) > 0 && strings.HasPrefix(keys[0].Name, s.Name+".") {
				s.Keys, keys = append(s.Keys, keys[0]), keys[1:]
			}
			sections = append(sections, s)
		}
		comment = nil
	}
	return sections
}

// Encode writes the configuration as an annotated file that parses to the same again.
func (c Config) Encode() string {
	fields := c.fields()
	text := Annotated
	var b strings.Builder
	walkAnnotated(func(name, _, line string) {
		before, after, _ := strings.Cut(text, "\n"+line+"\n")
		key, _, _ := strings.Cut(line, " = ")
		fmt.Fprintf(&b, "%s\n%s = %s\n", before, key, format(fields[name]))
		text = after
	})
	return b.String() + text
}

// walkAnnotated calls visit for every key of the default file, with the comment right
// above it joined to one text and the whole line. Each value is on one line there.
func walkAnnotated(visit func(name, comment, line string)) {
	var section string
	var comment []string
	for line := range strings.Lines(Annotated) {
		line = strings.TrimSuffix(line, "\n")
		switch text, isComment := strings.CutPrefix(line, "#"); {
		case isComment:
			comment = append(comment, strings.TrimSpace(text))
			continue
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case strings.Contains(line, " = "):
			key, _, _ := strings.Cut(line, " = ")
			visit(section+"."+key, strings.Join(comment, " "), line)
		}
		comment = nil
	}
}

// fields returns every setting of c by its name, settable.
func (c *Config) fields() map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		section, name := sections.Field(i), tomlName(sections.Type().Field(i))
		for j := range section.NumField() {
			fields[name+"."+tomlName(section.Type().Field(j))] = section.Field(j)
		}
	}
	return fields
}

func tomlName(f reflect.StructField) string { return f.Tag.Get("toml") }

// envName returns the environment variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func typeName(f reflect.Value) string {
	switch f.Interface().(type) {
	case Duration:
		return "duration"
	case Rate, ByteRate:
		return "rate"
	case Size:
		return "size"
	case []string:
		return "list"
	}
	return f.Kind().String()
}

// format writes a setting as a TOML value.
func format(f reflect.Value) string {
	switch v := f.Interface().(type) {
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case string:
		return quote(v)
	case fmt.Stringer:
		return quote(v.String())
	default:
		return fmt.Sprint(v)
	}
}

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7F:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// set reads a setting from the text of an environment variable.
func set(f reflect.Value, text string) error {
	switch p := f.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	case *string:
		*p = text
	case *bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = v
	case *int:
		v, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		*p = v
	case *[]string:
		*p = List(text)
	}
	return nil
}
