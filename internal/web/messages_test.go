package web_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// catalogues returns the texts of each language, by key.
func catalogues(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("messages/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no messages", err)
	}
	all := make(map[string]map[string]string)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(content, &texts); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		language, area := path.Base(path.Dir(file)), strings.TrimSuffix(path.Base(file), ".json")
		if all[language] == nil {
			all[language] = make(map[string]string)
		}
		for key, text := range texts {
			if !strings.HasPrefix(key, area+".") {
				t.Errorf("%s: %s belongs to another file", file, key)
			}
			if text == "" {
				t.Errorf("%s: %s says nothing", file, key)
			}
			all[language][key] = text
		}
	}
	return all
}

// plural matches what the key of one form of a text ends in.
var plural = regexp.MustCompile(`\.(zero|one|two|few|many|other)$`)

// placeholder matches where a value goes.
var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// asked returns the keys by which texts are asked for, with the values they have.
func asked(texts map[string]string) map[string]string {
	keys := make(map[string]string)
	for key, text := range texts {
		name := plural.ReplaceAllString(key, "")
		if name != key && !strings.HasSuffix(key, ".other") {
			continue // such a form may do without the number
		}
		values := placeholder.FindAllString(text, -1)
		slices.Sort(values)
		keys[name] = strings.Join(slices.Compact(values), " ")
	}
	return keys
}

func TestLanguagesSayTheSame(t *testing.T) {
	all := catalogues(t)
	english := asked(all["en"])
	for _, language := range slices.Sorted(maps.Keys(all)) {
		if diff := cmp.Diff(english, asked(all[language])); diff != "" {
			t.Errorf("keys and values of messages/%s differ from those of messages/en (-en +%s):\n%s", language, language, diff)
		}
	}
}

// quoted matches whatever looks like a key in a template, a script or Go.
var quoted = regexp.MustCompile("[\"'`]([a-z]+\\.[a-z0-9_]+(?:\\.[a-z0-9_]+)*)[\"'`]")

// spoken matches a key where a template certainly means one.
var spoken = regexp.MustCompile(`\b(?:t|rich) "([^"]+)"`)

func TestTextsAreThereAndInUse(t *testing.T) {
	texts := asked(catalogues(t)["en"])
	used := make(map[string]bool)
	eachFile(t, func(file, content string) {
		for _, m := range quoted.FindAllStringSubmatch(content, -1) {
			used[m[1]], used[m[1]+"_title"], used[m[1]+"_subject"] = true, true, true // those of errors and letters
		}
		for _, m := range spoken.FindAllStringSubmatch(content, -1) {
			if _, ok := texts[m[1]]; !ok && strings.HasSuffix(file, ".html") {
				t.Errorf("%s: there is no text %s", file, m[1])
			}
		}
	})
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if !used[key] {
			t.Errorf("nothing says %s", key)
		}
	}
}

// eachFile shows what can use a text.
func eachFile(t *testing.T, show func(file, content string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(file, "_test.go") || !slices.Contains([]string{".go", ".html", ".js"}, filepath.Ext(file)) {
			return err
		}
		content, err := os.ReadFile(file)
		show(filepath.ToSlash(file), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// others are words that a language says otherwise, which stands behind them: docs/translating.md tells why.
var others = map[string]map[string]string{
	"de": {`(?i)\bFunktion(en)?\b`: "Rolle", `(?i)\bAlarm`: "Hinweis"},
	"es": {`(?i)\bfunci(ón|ones)\b`: "rol", `(?i)\bañad`: "agregar", `(?i)\balerta`: "aviso"},
}

// names matches what a text quotes, such as what another program calls something.
var names = regexp.MustCompile(`«[^»]*»|„[^“]*“`)

func TestOneWordForOneThing(t *testing.T) {
	all := catalogues(t)
	for language, words := range others {
		for word, say := range words {
			match := regexp.MustCompile(word)
			for key, text := range all[language] {
				if found := match.FindString(names.ReplaceAllString(text, "")); found != "" {
					t.Errorf("messages/%s: %s says %q; say %q", language, key, found, say)
				}
			}
		}
	}
	for _, language := range []string{"en", "de", "es"} {
		if strings.Contains(all[language]["admin.deed_alert"], strings.ToLower(all[language]["admin.warning"])) {
			t.Errorf("messages/%s: an alert is called what a warning is: %q", language, all[language]["admin.warning"])
		}
	}
}
