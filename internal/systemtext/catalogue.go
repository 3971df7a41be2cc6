package systemtext

import (
	"fmt"
	"strings"

	"gitlauncher/verify/system/catalogue"
)

// Catalogue returns a list, as text, of the systems that are known.
func Catalogue(known *catalogue.Catalogue) string {
	var b strings.Builder
	fmt.Fprintln(&b, "Systems that OS_IMAGE can name. VERIFY.md says what this list vouches for.")
	for _, image := range known.Images {
		fmt.Fprintf(&b, "\n%s\n", image.Name)
		if image.Hash != "" {
			fmt.Fprintln(&b, "  os_image_hash", image.Hash)
		}
		for _, set := range image.Sets {
			fmt.Fprintf(&b, "  registers on QEMU %s:", set.Generation)
			for _, r := range []struct {
				name string
				is   bool
			}{{"MRTD", set.MRTD != nil}, {"RTMR0", set.Witness != nil}, {"RTMR1", set.RTMR1 != nil}, {"RTMR2", set.RTMR2 != nil}} {
				if r.is {
					b.WriteString(" " + r.name)
				}
			}
			fmt.Fprintf(&b, " (%s)\n", set.Source)
		}
		for _, f := range image.Flaws {
			if f.Unclear != nil {
				fmt.Fprintf(&b, "  perhaps %s: %s (%s)\n", f.ID, f.What, f.Unclear)
			} else {
				fmt.Fprintf(&b, "  flaw %s: %s (%s)\n", f.ID, f.What, f.Flaw.Source)
			}
		}
		fmt.Fprintln(&b, "  source", image.Source)
	}
	fmt.Fprintln(&b, "\nACPI tables that are known:")
	for _, shape := range known.Shapes {
		fmt.Fprintf(&b, "  %s (%s)\n", shape.Name, shape.Source)
	}
	return b.String()
}
