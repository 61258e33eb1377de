package main

// role is what a host of a world is: what a wrong link is wrong by.
type role uint8

// The roles. An application's or hoster's customer is a stranger like any other.
const (
	ofStack role = iota
	ofAppliance
	ofHoster
	ofCDN
	ofImage   // of a provider
	ofNothing // a provider's, re-imaged
	roles

	withTenant role = 1 << 7 // shows a customer's certificate besides
)

func (r role) String() string {
	names := [roles]string{"stock stack", "appliance", "hoster's image", "CDN front", "provider's", "re-imaged"}
	if r&withTenant != 0 {
		return names[r&^withTenant] + ", tenant's certificate"
	}
	return names[r]
}
