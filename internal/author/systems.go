package author

// systems are the names of OS images that a policy can have: those of the verifier's
// catalogue, which the launcher does not link. TestSystems compares the two. No
// verifier accepts a policy with another name.
var systems = []string{
	"dstack-0.5.4", "dstack-dev-0.5.4", "dstack-0.5.5", "dstack-0.5.7", "dstack-dev-0.5.7", "dstack-0.5.8", "dstack-dev-0.5.8",
	"dstack-0.5.12", "dstack-dev-0.5.12", "dstack-nvidia-0.5.12", "dstack-nvidia-dev-0.5.12",
	"dstack-0.5.13", "dstack-dev-0.5.13", "dstack-nvidia-0.5.13", "dstack-nvidia-dev-0.5.13",
	"dstack-0.5.15", "dstack-dev-0.5.15", "dstack-nvidia-0.5.15", "dstack-nvidia-dev-0.5.15",
	"dstack-0.6.0", "dstack-0.6.1", "dstack-0.6.2", "dstack-0.6.3", "dstack-0.6.4", "dstack-0.6.5", "dstack-0.6.6",
}
