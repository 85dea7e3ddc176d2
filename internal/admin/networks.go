package admin

import (
	"context"
	"net/http"
	"time"
)

// What a rule says of a network.
const (
	RuleDeny  = "deny"
	RuleAllow = "allow"
)

// NetworkRule says whether people may come from a network.
type NetworkRule struct {
	Network string    `json:"network"` // like 203.0.113.0/24, or one address
	Rule    string    `json:"rule"`    // deny or allow
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by,omitempty"` // who made it; filled in
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Networks returns the rules that operators have made.
func (s *Service) Networks(context.Context) ([]NetworkRule, error) { return []NetworkRule{}, nil }

// AddNetwork makes a rule.
func (s *Service) AddNetwork(_ context.Context, r NetworkRule) (NetworkRule, error) {
	return r, problem(http.StatusNotImplemented, CodeInternal, "not yet")
}

// RemoveNetwork takes a rule back.
func (s *Service) RemoveNetwork(context.Context, string) error {
	return problem(http.StatusNotImplemented, CodeInternal, "not yet")
}
