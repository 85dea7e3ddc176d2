package config_test

import (
	"slices"
	"testing"

	"monarch/internal/config"
)

func TestSectionsAreAllThereIs(t *testing.T) {
	var keys []config.Key
	for _, s := range config.Sections() {
		if s.Name == "" || s.Text == "" || len(s.Keys) == 0 {
			t.Errorf("[%s] is about %q and has %d keys", s.Name, s.Text, len(s.Keys))
		}
		keys = append(keys, s.Keys...)
	}
	if !slices.Equal(keys, config.Keys()) {
		t.Errorf("sections have %d keys", len(keys))
	}
}
