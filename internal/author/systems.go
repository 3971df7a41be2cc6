package author

// systems are the names that a policy can call a VM's OS image by: those of the
// verifier's catalogue, which the launcher does not link (TestSystems holds the two
// together). A policy with any other name is one that no verifier reads.
var systems = []string{
	"dstack-0.5.4", "dstack-dev-0.5.4", "dstack-0.5.5", "dstack-0.5.7", "dstack-dev-0.5.7", "dstack-0.5.8", "dstack-dev-0.5.8",
	"dstack-0.5.12", "dstack-dev-0.5.12", "dstack-nvidia-0.5.12", "dstack-nvidia-dev-0.5.12",
	"dstack-0.5.13", "dstack-dev-0.5.13", "dstack-nvidia-0.5.13", "dstack-nvidia-dev-0.5.13",
	"dstack-0.5.15", "dstack-dev-0.5.15", "dstack-nvidia-0.5.15", "dstack-nvidia-dev-0.5.15",
	"dstack-0.6.0", "dstack-0.6.1", "dstack-0.6.2", "dstack-0.6.3", "dstack-0.6.4", "dstack-0.6.5", "dstack-0.6.6",
}
