package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// params say what a world is made of. Shares are of all hosts unless it is
// said otherwise; sizes are at a million hosts and shrink with the world where
// "scaled" is written, but never below 50.
type params struct {
	// Networks: how many systems, times the square root of the hosts; the i-th
	// largest has (i+3)^-NetworkSlope of the hosts.
	Networks, NetworkSlope float64
	Flat                   bool // no systems: addresses at random, Options.Network is nil
	Independent            bool // make b: every kind is drawn by itself, see independent.go

	// Stock: how many stacks (a distribution with its servers) there are, how
	// steep their popularity is, and how often a host keeps a part as installed.
	Stacks     int
	StackSlope float64
	Faithful   float64
	Odd        float64 // of the parts are set up as on few other hosts, at every rarity
	Down       float64 // of the services do not answer
	OwnSite    float64 // of the web servers show a page of their own
	Apps       float64 // of the web servers show a known application

	// Appliances: products of which all installations look the same.
	Appliances      float64
	ApplianceMost   float64 // installations, scaled; the least is 5
	ApplianceSlope  float64
	DefaultHostKeys float64 // of the products ship one host key
	DefaultCerts    float64 // of the products ship one certificate
	Regional        float64 // of the products are found in three systems mostly

	// Hosters: large systems whose customers start from the hoster's image.
	Hosters         int
	HosterImages    float64 // of the strangers there
	HosterHostKeys  float64 // of these hosters forgot to remove the host key from the image
	Tenants         float64 // hosts that show a certificate which a customer has on 2 to 60 hosts
	CDNs            int
	CDNHosts        float64
	PublicCAs       float64 // of the certificates of stock stacks
	Missing         [2]float64
	Providers       float64 // hosts of providers
	ProviderMost    float64 // hosts of one, scaled; the least is 5
	ProviderSlope   float64
	ProviderSystems int     // most systems of one provider
	Reimaged        float64 // of a provider's hosts
	Drift           [2]float64
	Kits            float64                                      // of the images start from an appliance: others sell the same panel
	Again           float64                                      // a value of an image is that of the provider's first image
	Care            [2]float64                                   // how much of Planted an image has, drawn for each image
	Planted         map[string]float64                           // by slot name: how often an image has a value of its own
	Operator        struct{ Issuer, Domain, Management float64 } // of the providers, over all images
}

// makeOf is one of the kinds of worlds:
//
//	a  correlated stacks, systems, appliances, hosters, everything above
//	b  every kind by itself, Zipf, no systems, 6 fingerprints a host, larger providers
//	c  nearly half appliances, no cloned host keys, careless defaults, fewer systems
func makeOf(name string) (params, error) {
	p := params{
		Networks: 8, NetworkSlope: 1.1,
		Stacks: 600, StackSlope: 1.05, Faithful: .85, Odd: .06, Down: .04, OwnSite: .45, Apps: .25,
		Appliances: .15, ApplianceMost: 2000, ApplianceSlope: 2, DefaultHostKeys: .1, DefaultCerts: .2, Regional: .15,
		Hosters: 30, HosterImages: .12, HosterHostKeys: .1,
		Tenants: .03, CDNs: 4, CDNHosts: .02, PublicCAs: .6, Missing: [2]float64{.05, .15},
		Providers: .1, ProviderMost: 5000, ProviderSlope: 1.8, ProviderSystems: 6, Reimaged: .2, Drift: [2]float64{.02, .15},
		Kits: .15, Again: .35, Care: [2]float64{.3, 1},
		Planted: map[string]float64{"host_key": .35, "kexinit": .25, "software": .1, "jarm": .25, "spki": .15, "issuer": .2, "shape": .3,
			"subject": .3, "header_order": .35, "server": .1, "error_page": .3, "title": .5, "body": .45, "favicon": .4},
	}
	p.Operator.Issuer, p.Operator.Domain, p.Operator.Management = .3, .35, .12
	switch name {
	case "a":
	case "b":
		p.Flat, p.Independent = true, true
		p.Appliances, p.Hosters, p.CDNs, p.Kits = 0, 0, 0, 0
		p.Care, p.Again, p.ProviderSlope = [2]float64{1, 1}, .15, 1.5
		p.Planted = map[string]float64{"host_key": .6, "hassh": .6, "banner": .5, "jarm": .6, "spki": .4, "issuer": .6,
			"header_order": .6, "title": .7, "body": .6, "favicon": .6}
		p.Operator.Issuer, p.Operator.Domain, p.Operator.Management = .3, 0, 0
	case "c":
		p.Networks, p.NetworkSlope, p.Stacks, p.StackSlope = 3, .9, 150, .9
		p.Appliances, p.ApplianceSlope, p.DefaultHostKeys, p.DefaultCerts, p.Regional = .45, 1.7, .2, .35, .3
		p.Hosters, p.HosterImages, p.Tenants, p.CDNHosts = 60, .2, .06, .03
		p.Missing, p.Drift, p.Kits = [2]float64{.1, .2}, [2]float64{.05, .25}, .3
		p.Planted["host_key"], p.Planted["spki"] = 0, .1
	default:
		return p, fmt.Errorf("make %q: want a, b or c", name)
	}
	return p, nil
}

// override changes parameters by a JSON object such as {"Appliances": 0.4}.
func (p *params) override(text string) error {
	if text == "" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return fmt.Errorf("parameters %s: %w; see params.go for their names", text, err)
	}
	names := slotNames()
	for name := range p.Planted {
		if !slices.Contains(names[:], name) {
			return fmt.Errorf("parameters %s: no slot %q; see slotNames", text, name)
		}
	}
	return nil
}

// scaled is a size at a million hosts in a world of n.
func scaled(most float64, n int) float64 { return max(50, most*float64(n)/1e6) }
