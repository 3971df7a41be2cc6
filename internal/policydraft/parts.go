package policydraft

import (
	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// expectLaunches expects the launches of a report. text is the config in the compose,
// which describes a launch without a record.
func expectLaunches(w *policy.Writer, launches []report.Launch, text []byte) {
	if len(launches) == 0 {
		w.Comment("COMMIT_SHA= (the evidence attests no launch)")
	}
	for _, l := range launches {
		if l.Mode == "image" {
			w.Line("IMAGE_DIGEST", l.Image)
			continue
		}
		r, err := measure.ParseGitRecord([]byte(l.Record))
		if err != nil {
			r = planned(text)
		}
		if r == nil {
			continue // Judge accepted it, so it is one
		}
		w.Line("COMMIT_SHA", r.Commit)
		w.Line("REPO_URL", r.RepoURL)
		w.Line("CONFIG_SHA256", r.ConfigSHA256)
		if r.ContentSHA256 != "" {
			w.Line("CONTENT_SHA256", r.ContentSHA256)
		}
		w.Line("REPO_SUBDIR", r.Subdir)
		if r.Advanced {
			w.Line("RUN_CMD", r.RunCmd)
			w.Line("INSTALL_CMD", r.InstallCmd)
		} else {
			w.Line("ENTRYPOINT_SCRIPT", r.Entrypoint)
		}
	}
}

// planned returns the record of what a config would launch, or nil if the text is no
// config.
func planned(text []byte) *measure.GitRecord {
	cfg, err := config.ParseGit(config.DefaultFile, text)
	if err != nil {
		return nil
	}
	return launch.Planned(cfg, text)
}

// System expects the system of a result by its image, and reports whether that proves
// all registers.
func System(w *policy.Writer, r *system.Result, known *catalogue.Catalogue) bool {
	for _, name := range []string{system.FindingMRTD, system.FindingRTMR0, system.FindingRTMR1, system.FindingRTMR2} {
		if f, ok := r.Find(name); !ok || f.Outcome != system.Proven {
			w.Comment("(the registers are not derivable from an image here; MRTD= and RTMR0= to RTMR2= pin their values)")
			return false
		}
	}
	image := *r.Image
	if image.Name != "" {
		w.Line("OS_IMAGE", image.Name)
	} else {
		w.Comment("the image's os_image_hash, from its release page or from its builder:")
		w.Line("OS_IMAGE_HASH", image.Hash)
	}
	tables, ok := r.Boot.ACPI()
	if f, _ := r.Find(system.FindingACPI); ok && f.Outcome != system.Proven {
		w.Comment("the ACPI tables that this host made; their digests change with the kind of VM:")
		w.Line("ACPI_TABLES", tables.String())
	}
	entry, there := known.ByHash(image.Hash)
	if !there {
		entry, _ = known.ByName(image.Name)
	}
	for _, f := range entry.Flaws {
		w.Comment("this system has a known flaw, or perhaps has it: " + f.What + ". To accept it:")
		w.Comment("ACCEPT_ADVISORY=" + f.ID)
	}
	return true
}
