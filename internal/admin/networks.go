package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"monarch/internal/account"
	"monarch/internal/audit"
	"monarch/internal/cluster"
	"monarch/internal/store"
)

const (
	pathNetworks  = Root + "/networks"
	topicNetworks = "networks" // nothing; the answer is how many connections were ended
)

// The codes of problems with networks.
const (
	CodeBadNetwork   = "bad_network"
	CodeNoNetwork    = "no_network"
	CodeLocksOut     = "locks_out" // Force makes the rule nevertheless
	CodeTooManyRules = "too_many_networks"
	CodeConfigured   = "in_configuration"
)

// The fewest bits of a network without Force.
const (
	leastBits4 = 8
	leastBits6 = 16
)

// What a rule says of a network.
const (
	RuleDeny  = "deny"
	RuleAllow = "allow"
)

// NetworkRule says whether people may come from a network. Where several are about an address, one that
// allows wins over those that deny; and the configuration's win over those that operators make.
type NetworkRule struct {
	Network string    `json:"network" doc:"Like 203.0.113.0/24, or one address." example:"203.0.113.0/24"`
	Rule    string    `json:"rule" doc:"deny or allow." example:"deny"`
	Reason  string    `json:"reason,omitempty" doc:"Why, for operators." example:"guesses passwords"`
	By      string    `json:"by,omitempty" doc:"Who made it; filled in." example:"token deploy"`
	Created time.Time `json:"created,omitzero" doc:"When it was made; filled in." example:"2026-03-01T12:00:00Z"`
	Expires time.Time `json:"expires,omitzero" doc:"When it holds no more. Absent: it holds for good." example:"2026-03-08T12:00:00Z"`

	Configured bool `json:"configured,omitempty" doc:"It is of the configuration and cannot be removed here; filled in." example:"true"`
	Keep       bool `json:"keep,omitempty" doc:"What there is from a network that is denied goes on." example:"true"`
	Force      bool `json:"force,omitempty" doc:"Make it even if it locks out the caller, or nearly everybody." example:"true"`
	Ended      int  `json:"ended,omitempty" doc:"How many connections of clients making it has ended, at all nodes that answer; filled in." example:"2"`
}

type fromKey struct{}

// WithFrom returns a context in which what is asked for comes from an address, which is not locked
// out by mistake.
func WithFrom(ctx context.Context, from netip.Addr) context.Context {
	return context.WithValue(ctx, fromKey{}, from)
}

// Networks returns the rules that hold: those of the configuration, and those that operators have made, by network.
func (s *Service) Networks(ctx context.Context) ([]NetworkRule, error) {
	kept, err := s.Store.NetworkRules(ctx, s.Clock.Now())
	if err != nil {
		return nil, err
	}
	rules := []NetworkRule{}
	if s.Configured != nil {
		rules = append(rules, s.Configured()...)
	}
	for _, r := range kept {
		rules = append(rules, networkRule(r))
	}
	return rules, nil
}

// AddNetwork makes a rule, in place of one for the same network. It is in force here when it returns, and at all
// nodes that answer; others learn of it within seconds of being back.
func (s *Service) AddNetwork(ctx context.Context, n NetworkRule) (NetworkRule, error) {
	r, err := s.newRule(ctx, n)
	if err != nil {
		return NetworkRule{}, err
	}
	err = s.Store.AddNetworkRule(ctx, r, s.Clock.Now())
	if errors.Is(err, store.ErrTooManyRules) {
		return NetworkRule{}, problem(http.StatusConflict, CodeTooManyRules,
			"there are %d rules, which is as many as there may be; remove some, or deny larger networks", store.MaxNetworkRules)
	}
	if err != nil {
		return NetworkRule{}, err
	}
	rule := networkRule(r)
	rule.Ended, err = s.enforce(ctx)
	what, until := audit.NetworkDenied, "for good"
	if r.Allow {
		what = audit.NetworkAllowed
	}
	if r.Expires != 0 {
		until = "until " + rule.Expires.Format("2006-01-02 15:04 UTC")
	}
	note := until
	if r.Reason != "" {
		note += ": " + r.Reason
	}
	s.Log.InfoContext(ctx, "rule made for a network", "network", rule.Network, "rule", rule.Rule, "ended", rule.Ended)
	s.Audit.Record(ctx, audit.Event{What: what, Network: rule.Network, Note: note})
	return rule, err
}

// newRule checks a rule that is to be made.
func (s *Service) newRule(ctx context.Context, n NetworkRule) (store.NetworkRule, error) {
	network, err := ParseNetwork(n.Network)
	if err != nil {
		return store.NetworkRule{}, err
	}
	now := s.Clock.Now()
	r := store.NetworkRule{
		Network: network, Allow: n.Rule == RuleAllow, Reason: strings.TrimSpace(n.Reason), MadeBy: audit.Actor(ctx), Created: now.Unix(), Keep: n.Keep,
	}
	switch {
	case n.Rule != RuleAllow && n.Rule != RuleDeny:
		return r, wrong("rule", "the rule is %q; it is %s or %s", n.Rule, RuleDeny, RuleAllow)
	case !account.PlainReason(r.Reason):
		return r, wrong("reason", "a reason has at most %d characters, and none that control a terminal", account.MaxReason)
	case !n.Expires.IsZero() && (!n.Expires.After(now) || n.Expires.Sub(now) > maxLife):
		return r, wrong("expires", "a rule expires in ten years at the latest, and not before it is made; or it does not")
	}
	if !n.Expires.IsZero() {
		r.Expires = n.Expires.Unix()
	}
	if n.Force {
		return r, nil
	}
	return r, s.meant(ctx, r)
}

// meant refuses a rule that whoever asks for it cannot mean.
func (s *Service) meant(ctx context.Context, r store.NetworkRule) error {
	network, least := r.Network, leastBits4
	if network.Addr().Is6() {
		least = leastBits6
	}
	if network.Bits() < least && r.Allow {
		return problem(http.StatusConflict, CodeLocksOut,
			"%s is so large that it exempts nearly everybody from bans and limits; to do that nevertheless, use --force, or force in a request", network)
	}
	if network.Bits() < least {
		return problem(http.StatusConflict, CodeLocksOut,
			"%s is so large that it locks out nearly everybody; to do that nevertheless, use --force, or force in a request", network)
	}
	caller, _ := ctx.Value(fromKey{}).(netip.Addr)
	if caller = caller.Unmap().WithZone(""); !r.Allow && network.Contains(caller) {
		return problem(http.StatusConflict, CodeLocksOut,
			"you are at %s, which is in %s: you would lock yourself out; to do that nevertheless, use --force, or force in a request", caller, network)
	}
	return nil
}

// ParseNetwork reads a network, or one address. What is written as IPv4 in IPv6 is IPv4.
func ParseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	bad := problem(http.StatusBadRequest, CodeBadNetwork, "%q is no network; write it like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32", text).about("network")
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Zone() != "" {
			return netip.Prefix{}, bad
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, bad
	}
	if p.Addr().Is4In6() {
		const mapped = 96
		if p.Bits() < mapped {
			return netip.Prefix{}, bad
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	if p != p.Masked() {
		return netip.Prefix{}, problem(http.StatusBadRequest, CodeBadNetwork,
			"%q has more bits than its length says; do you mean %s, or only %s?", text, p.Masked(), p.Addr()).about("network")
	}
	return p, nil
}

// ShowNetwork writes a network, or one address, as people do.
func ShowNetwork(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// RemoveNetwork takes a rule back.
func (s *Service) RemoveNetwork(ctx context.Context, text string) error {
	network, err := ParseNetwork(text)
	if err != nil {
		return err
	}
	shown := ShowNetwork(network)
	err = s.Store.RemoveNetworkRule(ctx, network, s.Clock.Now())
	switch {
	case errors.Is(err, store.ErrNoNetworkRule) && s.isConfigured(network):
		return problem(http.StatusConflict, CodeConfigured,
			"the rule for %s is in the configuration, section networks; take it out there, then `monarch reload`", shown)
	case errors.Is(err, store.ErrNoNetworkRule):
		return problem(http.StatusNotFound, CodeNoNetwork, "there is no rule for %s; `monarch network list` shows those there are", shown)
	case err != nil:
		return err
	}
	_, err = s.enforce(ctx)
	s.Log.InfoContext(ctx, "network rule removed", "network", shown)
	s.Audit.Record(ctx, audit.Event{What: audit.NetworkRemoved, Network: shown})
	return err
}

func (s *Service) isConfigured(network netip.Prefix) bool {
	if s.Configured == nil {
		return false
	}
	return slices.ContainsFunc(s.Configured(), func(r NetworkRule) bool {
		p, err := ParseNetwork(r.Network)
		return err == nil && p == network
	})
}

// enforce has the rules be in force, here and at the other nodes.
func (s *Service) enforce(ctx context.Context) (ended int, err error) {
	if s.Enforce == nil {
		return 0, nil
	}
	if ended, err = s.Enforce(ctx); err != nil {
		return ended, fmt.Errorf("the rule is kept, and will be in force within a minute: %w", err)
	}
	if s.isAlone(ctx) {
		return ended, nil
	}
	var elsewhere atomic.Int64
	silent := s.nodes.Each(func(n cluster.Node) error {
		var theirs int
		err := s.nodes.Ask(ctx, n.ID, topicNetworks, nil, &theirs)
		elsewhere.Add(int64(theirs))
		return err
	})
	if silent != nil {
		s.Log.WarnContext(ctx, "nodes have not heard of the rules of networks, and will within a minute", "err", silent)
	}
	return ended + int(elsewhere.Load()), nil
}

// enforceHere answers another node.
func (s *Service) enforceHere(ctx context.Context, _ []byte) ([]byte, error) {
	if s.Enforce == nil {
		return []byte("0"), nil
	}
	ended, err := s.Enforce(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(ended)
}

func networkRule(r store.NetworkRule) NetworkRule {
	n := NetworkRule{
		Network: ShowNetwork(r.Network), Rule: RuleDeny, Reason: r.Reason, By: r.MadeBy, Created: time.Unix(r.Created, 0).UTC(), Keep: r.Keep,
	}
	if r.Allow {
		n.Rule = RuleAllow
	}
	if r.Expires != 0 {
		n.Expires = time.Unix(r.Expires, 0).UTC()
	}
	return n
}

func (s *Service) networkRoutes() []route {
	return []route{
		{
			method: "GET", path: pathNetworks, scope: NetworksRead, summary: "List the rules of networks",
			notes: "Those of the configuration and those that operators made, in the order of the networks.", query: pages, answer: List[NetworkRule]{}, handle: s.listNetworks,
		},
		{
			method: "POST", path: pathNetworks, scope: NetworksWrite, summary: "Deny or allow a network",
			notes: "In place of a rule for the same network. Denying ends what there is from there, unless keep is set.",
			body:  NetworkRule{}, answer: NetworkRule{}, status: http.StatusCreated, refuses: []int{409}, handle: s.addNetwork,
		},
		{
			method: "DELETE", path: pathNetworks, scope: NetworksWrite, summary: "Remove the rule of a network",
			notes: "Not one of the configuration.", query: []parameter{{"network", "string", "The network, or the address.", "203.0.113.0/24"}}, refuses: []int{404, 409}, handle: s.removeNetwork,
		},
	}
}

func (s *Service) listNetworks(r *http.Request) (any, error) {
	rules, err := s.Networks(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, rules, func(n NetworkRule) string { return fmt.Sprint(n.Network, n.Configured) })
}

func (s *Service) addNetwork(r *http.Request) (any, error) {
	body, err := read[NetworkRule](r)
	if err != nil {
		return nil, err
	}
	n, err := s.AddNetwork(r.Context(), body)
	return &result{at: pathNetworks, value: n}, err
}

func (s *Service) removeNetwork(r *http.Request) (any, error) {
	return nil, s.RemoveNetwork(r.Context(), r.URL.Query().Get("network"))
}

// Networks is [Service.Networks].
func (c *Client) Networks(ctx context.Context) ([]NetworkRule, error) {
	return each[NetworkRule](ctx, c, pathNetworks)
}

// AddNetwork is [Service.AddNetwork].
func (c *Client) AddNetwork(ctx context.Context, n NetworkRule) (NetworkRule, error) {
	return ask[NetworkRule](ctx, c, http.MethodPost, pathNetworks, n)
}

// RemoveNetwork is [Service.RemoveNetwork].
func (c *Client) RemoveNetwork(ctx context.Context, network string) error {
	return c.call(ctx, http.MethodDelete, pathNetworks+"?"+url.Values{"network": {network}}.Encode(), nil, nil)
}
