// Package server_test tries the whole server from outside, as clients meet it.
package server_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// parallel is how many transcripts play at a time unless the command line says otherwise.
// They wait for the server's silence most of the time, so they may be many more than there
// are processors.
const parallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", parallel); err != nil {
			panic(err)
		}
	}
	os.Exit(msntest.Main(m))
}

// TestScenarios plays the transcripts. docs/protocol/scenarios.md#transcripts
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no transcripts")
	}
	if msntest.OnPostgres() { // which has no backups of ours
		files = slices.DeleteFunc(files, func(path string) bool { return filepath.Base(path) == "restore.txt" })
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			msntest.RunFile(t, path, onOneNode)
		})
	}
}

// onOneNode are the transcripts that are about one node, with the reason.
var onOneNode = map[string]string{
	"alert/MSNP9 gets text and markup": "each node numbers the alerts that it sends",
	"S52-crowded":                      "each node counts the strangers who are connected with it",
	"rates/who signs in again and again has to wait, and stays where he is": "each node counts what people do there",
	"rates/signing in again is no way around a limit":                       "each node counts what people do there",
	"rates/calls that fail are counted beyond the sign-in":                  "each node counts what people do there",
	"rates/they count in all conversations together, and in the next one":   "each node counts what people do there",
	"S29/(a) a failure in another conversation of the same person counts":   "each node counts what people do there",
}
