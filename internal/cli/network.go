package cli

import (
	"context"
	"fmt"
	"time"

	"monarch/internal/admin"
)

// networkCmds are the commands about the networks that people may not come from.
type networkCmds struct {
	Deny   networkDeny   `cmd:"" help:"Shut a network out, and end what there is from it."`
	Allow  networkAllow  `cmd:"" help:"Exempt a network from what is denied, and from the limits per address."`
	List   networkList   `cmd:"" help:"List the networks that are denied and allowed."`
	Remove networkRemove `cmd:"" help:"Take a rule back."`
}

// rule is what the two kinds of rules have in common.
type rule struct {
	Network string   `arg:"" help:"An address or a network, like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."`
	Reason  string   `help:"Why, for other operators." placeholder:"TEXT"`
	For     lifetime `help:"For how long, like 90m, 12h or 7d. Without it, or with never: for good." default:"never" placeholder:"7d"`
}

func (r rule) as(kind string) admin.NetworkRule {
	n := admin.NetworkRule{Network: r.Network, Rule: kind, Reason: r.Reason}
	if r.For != 0 {
		n.Expires = time.Now().Add(time.Duration(r.For))
	}
	return n
}

type networkDeny struct {
	rule
	Keep  bool `help:"Leave alone who is connected already."`
	Force bool `help:"Do it even if that locks out nearly everybody."`
}

// Help gives the example.
func (*networkDeny) Help() string {
	return "monarch network deny 203.0.113.0/24 --reason 'guesses passwords' --for 7d"
}

// Run makes the rule.
func (c *networkDeny) Run(ctx context.Context, a *app) error {
	n := c.as(admin.RuleDeny)
	n.Keep, n.Force = c.Keep, c.Force
	return a.addNetwork(ctx, n, func(network string) string { return "Nobody can connect from " + network })
}

type networkAllow struct {
	rule
	Force bool `help:"Do it even if that exempts nearly everybody."`
}

// Help gives the example.
func (*networkAllow) Help() string {
	return "monarch network allow 203.0.113.7 --reason 'the school'"
}

// Run makes the rule.
func (c *networkAllow) Run(ctx context.Context, a *app) error {
	n := c.as(admin.RuleAllow)
	n.Force = c.Force
	return a.addNetwork(ctx, n, func(network string) string {
		return network + " is exempt from what is denied here, and from the limits per address"
	})
}

// addNetwork makes a rule, and tells what that does to its network, as the list has that.
func (a *app) addNetwork(ctx context.Context, n admin.NetworkRule, does func(network string) string) error {
	service, release, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer release()
	made, err := service.AddNetwork(ctx, n)
	if err != nil {
		return err
	}
	done := does(made.Network)
	if !made.Expires.IsZero() {
		done += ", until " + when(made.Expires)
	}
	done += "."
	if made.Ended > 0 {
		done += " " + plural(made.Ended, "connection was ended.", "connections were ended.")
	}
	fmt.Fprintf(a.stdout, "%s\nTo take it back: %s\n", clean(done), a.command("network remove "+made.Network))
	return nil
}

type networkList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*networkList) Help() string { return "monarch network list" }

// Run lists the rules.
func (c *networkList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	rules, err := service.Networks(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, rules)
	}
	if len(rules) == 0 {
		fmt.Fprintf(a.stdout, "People may come from everywhere. To shut a network out:\n  %s\n", a.command("network deny 203.0.113.0/24"))
		return nil
	}
	rows := make([][]string, len(rules))
	for i, r := range rules {
		until := "for good"
		if !r.Expires.IsZero() {
			until = "until " + when(r.Expires)
		}
		if r.Configured {
			r.By = "the configuration"
		}
		rows[i] = []string{r.Network, r.Rule, until, when(r.Created), r.By, r.Reason}
	}
	return table(a.stdout, []string{"NETWORK", "RULE", "HOLDS", "MADE", "BY", "REASON"}, rows)
}

type networkRemove struct {
	Network string `arg:"" help:"The network, as in monarch network list."`
}

// Help gives the example.
func (*networkRemove) Help() string { return "monarch network remove 203.0.113.0/24" }

// Run takes the rule back.
func (c *networkRemove) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "There is no rule for "+c.Network+" any more.", func(s *admin.Client) error {
		return s.RemoveNetwork(ctx, c.Network)
	})
}
