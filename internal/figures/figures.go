// Package figures is what measurements are made of: what a process used, as the kernel tells
// it, medians, results with their ratios and goals, and a report that prints and saves them.
// What is measured, and when, is the caller's business; it draws nothing either.
package figures

import (
	"cmp"
	"slices"
)

// Median returns the middle one of some values, of an even number the lower of the two in the
// middle, so that it is always one that was measured. Of nothing it is zero.
func Median[T cmp.Ordered](v []T) T {
	if len(v) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(v))
	return sorted[(len(sorted)-1)/2]
}

// Turn is one turn of a work: what was done, and what it took.
type Turn struct {
	Work       int64   `json:"work"` // units done: messages, lines, sign-ins, sessions
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of the process under test
	Value      float64 `json:"value"`       // in the unit of the result
}

// Result is what one subject needed for one case of a work.
type Result struct {
	Work    string `json:"work"`    // such as "relay"
	Case    string `json:"case"`    // such as "100 pairs, 1 in flight, type U"
	Subject string `json:"subject"` // what was measured, such as "epoll"
	Unit    string `json:"unit"`    // of Value, such as "µs CPU/message"

	// Scale is how large the case was, by what: "pairs", "in flight", "contacts". Results that
	// differ in nothing else than one of these make a curve.
	Scale map[string]float64 `json:"scale,omitempty"`

	Turns []Turn  `json:"turns,omitempty"`
	Value float64 `json:"value"` // the median of the turns

	Ratio    float64 `json:"ratio,omitempty"`    // of Value to that of the baseline; 0 is none
	Baseline string  `json:"baseline,omitempty"` // what Ratio compares with, such as "bare"

	// Goal is the most that Ratio may be or, with GoalOfValue or without a ratio, Value.
	// 0 is no goal.
	Goal        float64 `json:"goal,omitempty"`
	GoalOfValue bool    `json:"goal_of_value,omitempty"`

	Lost       int64 `json:"lost"`
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`

	// Extra is what else was seen, by name with its unit: "goroutines", "gc ms/cycle".
	Extra map[string]float64 `json:"extra,omitempty"`
}

// Sum sets the value to the median of the turns'.
func (r *Result) Sum() {
	values := make([]float64, len(r.Turns))
	for i, t := range r.Turns {
		values[i] = t.Value
	}
	r.Value = Median(values)
}

// Against compares the result with one of the same unit. Nothing can be compared with a
// baseline that has no value.
func (r *Result) Against(base Result) {
	r.Baseline, r.Ratio = base.Subject, 0
	if base.Value > 0 {
		r.Ratio = r.Value / base.Value
	}
}

// Measured is the figure that the goal is about.
func (r Result) Measured() float64 {
	if r.GoalOfValue || r.Ratio == 0 {
		return r.Value
	}
	return r.Ratio
}

// Missed reports whether there is a goal and it is not met. A goal for a ratio that could not
// be computed is missed.
func (r Result) Missed() bool {
	if r.Goal == 0 {
		return false
	}
	if r.Baseline != "" && r.Ratio == 0 && !r.GoalOfValue {
		return true
	}
	return r.Measured() > r.Goal
}

// Intact reports whether everything arrived, once and in order.
func (r Result) Intact() bool {
	return r.Lost == 0 && r.Duplicated == 0 && r.Reordered == 0
}

// Spread is how far the turns lie apart, as a part of the median: 0.05 is 5 per cent.
func (r Result) Spread() float64 {
	if len(r.Turns) < 2 || r.Value == 0 {
		return 0
	}
	low, high := r.Turns[0].Value, r.Turns[0].Value
	for _, t := range r.Turns {
		low, high = min(low, t.Value), max(high, t.Value)
	}
	return (high - low) / r.Value
}

// Sample is the memory of a process at a moment of a long work.
type Sample struct {
	Subject string  `json:"subject"`
	Seconds float64 `json:"seconds"` // since the work began
	RSS     int64   `json:"rss"`     // bytes
	People  int64   `json:"people"`  // signed in at that moment
}
