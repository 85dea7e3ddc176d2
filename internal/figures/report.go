package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Report is everything one run found.
type Report struct {
	Date    string   `json:"date"`    // when it ran, as RFC 3339
	Machine string   `json:"machine"` // processors, memory, kernel
	Commit  string   `json:"commit"`
	Results []Result `json:"results"`
	Samples []Sample `json:"samples,omitempty"` // memory over time
}

// Save writes the report to a file, as JSON.
func (r Report) Save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save report %s: %w", file, err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	return nil
}

// Load reads a report that Save wrote.
func Load(file string) (Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Report{}, fmt.Errorf("load report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return Report{}, fmt.Errorf("load report %s, which must be one saved with --json: %w", file, err)
	}
	return r, nil
}

// Table prints the results for a person to read: one line each, what else was seen below,
// and at the end whether everything arrived.
func (r Report) Table(w io.Writer) error {
	rows := [][]string{{"work", "case", "subject", "value", "unit", "spread", "ratio", "goal", ""}}
	for _, res := range r.Results {
		rows = append(rows, row(res))
	}
	var out strings.Builder
	align(&out, rows, "lllrlrrrl")
	for _, res := range r.Results {
		writeExtra(&out, res)
	}
	writeLosses(&out, r.Results)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func row(r Result) []string {
	spread, ratio, goal, met := "", "", "", ""
	if len(r.Turns) > 1 {
		spread = strconv.FormatFloat(100*r.Spread(), 'f', 0, 64) + "%"
	}
	if r.Ratio != 0 {
		ratio = strconv.FormatFloat(r.Ratio, 'f', 2, 64) + "x"
	}
	if r.Goal != 0 {
		goal, met = number(r.Goal), "met"
		if r.Ratio != 0 && !r.GoalOfValue {
			goal += "x"
		}
		if r.Missed() {
			met = "MISSED"
		}
	}
	return []string{r.Work, r.Case, r.Subject, number(r.Value), r.Unit, spread, ratio, goal, met}
}

func writeExtra(out *strings.Builder, r Result) {
	if len(r.Extra) == 0 {
		return
	}
	fmt.Fprintf(out, "%s:", name(r))
	for i, key := range slices.Sorted(maps.Keys(r.Extra)) {
		if i > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(out, " %s %s", key, number(r.Extra[key]))
	}
	out.WriteString("\n")
}

func writeLosses(out *strings.Builder, results []Result) {
	intact := true
	for _, r := range results {
		if !r.Intact() {
			intact = false
			fmt.Fprintf(out, "%s: %d LOST, %d DUPLICATED, %d OUT OF ORDER\n", name(r), r.Lost, r.Duplicated, r.Reordered)
		}
	}
	if intact && len(results) > 0 {
		out.WriteString("nothing lost, duplicated or out of order\n")
	}
}

// name tells a result from the others in a line of its own.
func name(r Result) string {
	if r.Case == "" {
		return r.Work + ", " + r.Subject
	}
	return r.Work + ", " + r.Case + ", " + r.Subject
}

// number writes a figure with four significant digits, and no fewer than its whole part has.
func number(v float64) string {
	digits := 3
	for limit := 10.0; digits > 0 && (v >= limit || v <= -limit); limit *= 10 {
		digits--
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// align writes rows with columns of even width, each to the left or to the right as the
// letters of sides say.
func align(out *strings.Builder, rows [][]string, sides string) {
	widths := make([]int, len(sides))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if sides[i] == 'r' {
				line.WriteString(gap + cell)
			} else {
				line.WriteString(cell + gap)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
