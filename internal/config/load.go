package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// envPrefix begins the name of every environment variable that is ours.
const envPrefix = "MONARCH_"

// Load returns the defaults, changed by the file at path and then by the variables of
// environ (as os.Environ returns them), and checked. Path "" means no file. The error
// tells everything that is wrong at once, a line each.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("read configuration: %w", err)
		}
		if err := c.parse(path, text); err != nil {
			return Config{}, err
		}
	}
	if err := c.setEnv(environ); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// parse changes c by the text of a file that is called path in errors.
func (c *Config) parse(path string, text []byte) error {
	d := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	err := d.Decode(c)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		var all []error
		for i := range unknown.Errors {
			e := &unknown.Errors[i]
			line, _ := e.Position()
			all = append(all, fmt.Errorf("%s:%d: %w", path, line, unknownKey(strings.Join(e.Key(), "."))))
		}
		return errors.Join(all...)
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		where := fmt.Sprintf("%s:%d: ", path, line)
		if key := wrong.Key(); len(key) > 0 {
			where += strings.Join(key, ".") + ": "
		}
		return errors.New(where + strings.TrimPrefix(wrong.Error(), "toml: "))
	case err != nil: // the decoder does not say where when text was wanted
		return errors.Join(checkText(path, text, err)...)
	}
	return checkUnits(path, text)
}

// checkText returns what is wrong with values that are written like text but are none, or the
// decoder's own word if that is not it.
func checkText(path string, text []byte, decoders error) []error {
	var raw map[string]map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return []error{fmt.Errorf("%s: %w", path, decoders)}
	}
	fields := new(Config).fields()
	var all []error
	for _, k := range Keys() {
		section, key, _ := strings.Cut(k.Name, ".")
		value, given := raw[section][key]
		if _, isText := fields[k.Name].Addr().Interface().(encoding.TextUnmarshaler); !given || !isText {
			continue
		}
		if err := set(fields[k.Name], fmt.Sprint(value)); err != nil {
			all = append(all, fmt.Errorf("%s%s: %w", place(path, text, k.Name), k.Name, err))
		}
	}
	if len(all) == 0 {
		return []error{fmt.Errorf("%s: %w", path, decoders)}
	}
	return all
}

// place returns the beginning of an error about a key of a file: its line, too, if that is
// written like in the default file.
func place(path string, text []byte, name string) string {
	section, n := "", 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if inner, isHeader := strings.CutPrefix(line, "["); isHeader {
			section, _, _ = strings.Cut(inner, "]")
		}
		key, _, assigns := strings.Cut(line, "=")
		if assigns && strings.TrimSpace(section)+"."+strings.TrimSpace(key) == name {
			return fmt.Sprintf("%s:%d: ", path, n)
		}
	}
	return path + ": "
}

// checkUnits refuses durations that are bare numbers, which the decoder takes for
// nanoseconds.
func checkUnits(path string, text []byte) error {
	var raw map[string]map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var all []error
	for _, k := range Keys() {
		section, key, _ := strings.Cut(k.Name, ".")
		if n, isInt := raw[section][key].(int64); isInt && k.Type == "duration" && n != 0 {
			all = append(all, fmt.Errorf("%s%s is %d without a unit; write it like \"%ds\"", place(path, text, k.Name), k.Name, n, n))
		}
	}
	return errors.Join(all...)
}

// setEnv changes c by the environment variables that are ours.
func (c *Config) setEnv(environ []string) error {
	fields := c.fields()
	byEnv := make(map[string]string, len(fields))
	for name := range fields {
		byEnv[envName(name)] = name
	}
	var all []error
	for _, variable := range environ {
		env, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(env, envPrefix) {
			continue
		}
		name, ok := byEnv[env]
		if !ok {
			guess := nearest(env, slices.Sorted(maps.Keys(byEnv)))
			all = append(all, fmt.Errorf("unknown environment variable %s; did you mean %s?", env, guess))
			continue
		}
		if err := set(fields[name], value); err != nil {
			all = append(all, fmt.Errorf("environment variable %s: %w", env, err))
		}
	}
	return errors.Join(all...)
}

// unknownKey is the error for a key, or a section, that does not exist.
func unknownKey(name string) error {
	var known []string
	for _, k := range Keys() {
		section, _, _ := strings.Cut(k.Name, ".")
		known = append(known, k.Name)
		if !slices.Contains(known, section) {
			known = append(known, section)
		}
	}
	what := "key"
	if !strings.Contains(name, ".") {
		what = "section or key"
	}
	return fmt.Errorf("unknown %s %q; did you mean %q?", what, name, nearest(name, known))
}

// nearest returns the candidate that takes the fewest changes of a letter to reach.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int {
		return distance(name, a) - distance(name, b)
	})
}

// distance counts the letters to insert, remove or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
