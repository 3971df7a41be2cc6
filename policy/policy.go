package policy

import (
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
)

// Policy is what a relying party expects. A field that was not given expects nothing.
type Policy struct {
	// The system.
	MRTD, RTMR0, RTMR1, RTMR2 OneOf[measure.Register]
	System                    OneOf[System]
	OSImage                   OneOf[Text]
	OSImageHash               OneOf[SHA256]
	ACPITables                OneOf[ACPITables]
	AcceptAdvisory            AllOf[Text]

	// The platform.
	TCBStatusAllowed       AllOf[TCBStatus]
	TCBEvaluation          OneOf[Number] // at least this one
	Collateral             OneOf[Text]   // "evidence"
	XFAM                   OneOf[Bytes]
	MROwner, MROwnerConfig OneOf[measure.Register]

	// The launcher.
	LauncherImageDigest                OneOf[digest.SHA256]
	LauncherBaseDigest                 OneOf[digest.SHA256]
	ProvenanceRepo, ProvenanceWorkflow OneOf[Text]

	// The launch.
	Launch                                                    OneOf[Text] // "recorded"
	CommitSHA                                                 OneOf[object.ID]
	ImageDigest                                               OneOf[digest.SHA256]
	RepoURL, RepoSubdir, EntrypointScript, RunCmd, InstallCmd OneOf[Text]
	Tree                                                      OneOf[object.ID]
	ConfigSHA256, ContentSHA256, EntrypointSHA256             OneOf[SHA256]

	// The application.
	AppID                            OneOf[AppID]
	ComposeHash, DockerComposeSHA256 OneOf[SHA256]
	AppCompose                       AllOf[Setting]
	Environment                      AllOf[Setting]
	AllowedEnvs                      AllOf[Text]
	AllowCompose                     AllOf[Exception]

	// Who holds the keys.
	KeyProvider       OneOf[KeyProvider]
	KeyProviderDigest OneOf[measure.Register]
	MRKMS             OneOf[Bytes]
	PersistentDisk    OneOf[Text] // "accepted"

	// The quote.
	Endpoint   OneOf[Text] // "unbound"
	Nonce      OneOf[Bytes]
	ReportData OneOf[ReportData]
}

// Keys returns the table of all keys, in the order in which policies are written.
func Keys() []Key {
	var (
		register = kind[measure.Register]{form: "HEX", parse: parseRegister, list: true}
		one      = kind[measure.Register]{form: "HEX", parse: parseRegister, list: true, once: true}
		image    = kind[digest.SHA256]{form: "DIGEST", parse: digest.Parse, list: true}
		id       = kind[object.ID]{form: "SHA", parse: object.ParseID, list: true}
		sha256   = kind[SHA256]{form: "HEX", parse: parseSHA256, list: true}
		hex      = func(least, most int) kind[Bytes] {
			return kind[Bytes]{form: "HEX", parse: parseBytes(least, most), list: true}
		}
		text    = func(form string) kind[Text] { return kind[Text]{form: form, parse: parseText} }
		word    = func(w string) kind[Text] { return kind[Text]{form: w, parse: parseWord(w), once: true} }
		setting = func(form string) kind[Setting] { return kind[Setting]{form: form, parse: parseSetting} }
	)
	return []Key{
		kind[Text]{form: "NAME", parse: parseText, list: true}.key("OS_IMAGE", "the OS image, by its name in the catalogue of systems, as dstack-0.6.6", func(p *Policy) field[Text] { return &p.OSImage }),
		sha256.key("OS_IMAGE_HASH", "the OS image, by its os_image_hash: the registers are derived from it. An image, the four registers or SYSTEM are needed for VERIFIED", func(p *Policy) field[SHA256] { return &p.OSImageHash }),
		kind[ACPITables]{form: "HEX,HEX,HEX", parse: parseACPITables}.key("ACPI_TABLES", "the digests of the ACPI tables that the host made, as the command system prints them; unchecked: any", func(p *Policy) field[ACPITables] { return &p.ACPITables }),
		kind[Text]{form: "ID", parse: parseText, list: true}.key("ACCEPT_ADVISORY", "a known flaw of the system, by its id", func(p *Policy) field[Text] { return &p.AcceptAdvisory }),
		one.key("MRTD", "the quote's MRTD: the firmware", func(p *Policy) field[measure.Register] { return &p.MRTD }),
		one.key("RTMR0", "the quote's RTMR0: the virtual hardware", func(p *Policy) field[measure.Register] { return &p.RTMR0 }),
		one.key("RTMR1", "the quote's RTMR1: the kernel", func(p *Policy) field[measure.Register] { return &p.RTMR1 }),
		one.key("RTMR2", "the quote's RTMR2: the kernel's command line and the initrd", func(p *Policy) field[measure.Register] { return &p.RTMR2 }),
		kind[System]{form: "MRTD:RTMR0:RTMR1:RTMR2[:KEY_PROVIDER_DIGEST]", parse: parseSystem}.key("SYSTEM", "one of several systems, a line each, instead of the four registers", func(p *Policy) field[System] { return &p.System }),

		kind[TCBStatus]{form: "STATUS", parse: parseTCBStatus, list: true}.key("TCB_STATUS_ALLOWED", "statuses that pass beside UpToDate, for platform, module and QE each; Revoked can't", func(p *Policy) field[TCBStatus] { return &p.TCBStatusAllowed }),
		kind[Number]{form: "N", parse: parseNumber, once: true}.key("TCB_EVALUATION", "collateral of at least this TCB evaluation of Intel's", func(p *Policy) field[Number] { return &p.TCBEvaluation }),
		word("evidence").key("COLLATERAL", "that the evidence's own collateral will do, which may know fewer flaws than Intel does by now", func(p *Policy) field[Text] { return &p.Collateral }),
		hex(8, 8).key("XFAM", "the quote's XFAM: the processor's features that the TD may use", func(p *Policy) field[Bytes] { return &p.XFAM }),
		register.key("MROWNER", "the quote's MROWNER, which is zero otherwise", func(p *Policy) field[measure.Register] { return &p.MROwner }),
		register.key("MROWNERCONFIG", "the quote's MROWNERCONFIG, which is zero otherwise", func(p *Policy) field[measure.Register] { return &p.MROwnerConfig }),

		image.key("LAUNCHER_IMAGE_DIGEST", "the launcher's image. Needed for VERIFIED", func(p *Policy) field[digest.SHA256] { return &p.LauncherImageDigest }),
		image.key("LAUNCHER_BASE_DIGEST", "the audited launcher that the launcher's image was derived from, by adding a config alone", func(p *Policy) field[digest.SHA256] { return &p.LauncherBaseDigest }),
		text("OWNER/NAME").key("PROVENANCE_REPO", "the repository that built the launcher's image", func(p *Policy) field[Text] { return &p.ProvenanceRepo }),
		text("FILE").key("PROVENANCE_WORKFLOW", "the workflow file that built the launcher's image", func(p *Policy) field[Text] { return &p.ProvenanceWorkflow }),

		word("recorded").key("LAUNCH", "that the launch is in the register; that nothing else can be launched will not do", func(p *Policy) field[Text] { return &p.Launch }),
		id.key("COMMIT_SHA", "the launched commit. Needed for VERIFIED in git mode", func(p *Policy) field[object.ID] { return &p.CommitSHA }),
		image.key("IMAGE_DIGEST", "the launched image. Needed for VERIFIED in image mode", func(p *Policy) field[digest.SHA256] { return &p.ImageDigest }),
		text("URL").key("REPO_URL", "the repository, as the config writes it", func(p *Policy) field[Text] { return &p.RepoURL }),
		text("DIR").key("REPO_SUBDIR", "the commit's folder that runs; empty: its root", func(p *Policy) field[Text] { return &p.RepoSubdir }),
		text("FILE").key("ENTRYPOINT_SCRIPT", "the script that runs", func(p *Policy) field[Text] { return &p.EntrypointScript }),
		text("COMMAND").key("RUN_CMD", "the command that runs instead of a script", func(p *Policy) field[Text] { return &p.RunCmd }),
		text("COMMAND").key("INSTALL_CMD", "the command that runs before RUN_CMD; empty: none", func(p *Policy) field[Text] { return &p.InstallCmd }),
		sha256.key("CONFIG_SHA256", "SHA-256 of the launcher's config", func(p *Policy) field[SHA256] { return &p.ConfigSHA256 }),
		id.key("TREE", "the commit's root tree", func(p *Policy) field[object.ID] { return &p.Tree }),
		sha256.key("CONTENT_SHA256", "SHA-256 of the listing of the commit's files", func(p *Policy) field[SHA256] { return &p.ContentSHA256 }),
		sha256.key("ENTRYPOINT_SHA256", "SHA-256 of the entry script", func(p *Policy) field[SHA256] { return &p.EntrypointSHA256 }),

		kind[AppID]{form: "HEX", parse: parseAppID, list: true}.key("APP_ID", "dstack's id of the application", func(p *Policy) field[AppID] { return &p.AppID }),
		sha256.key("COMPOSE_HASH", "SHA-256 of the app-compose, as in dstack's event", func(p *Policy) field[SHA256] { return &p.ComposeHash }),
		sha256.key("DOCKER_COMPOSE_SHA256", "SHA-256 of the compose file in the app-compose, which is known before deploying", func(p *Policy) field[SHA256] { return &p.DockerComposeSHA256 }),
		setting("FIELD=VALUE").key("APP_COMPOSE", "a field of the app-compose and its exact value", func(p *Policy) field[Setting] { return &p.AppCompose }),
		setting("NAME=VALUE").key("ENVIRONMENT", "a variable of the launcher's service and its exact value", func(p *Policy) field[Setting] { return &p.Environment }),
		kind[Text]{form: "NAME", parse: parseText, list: true, empty: true}.key("ALLOWED_ENVS", "variables that the app-compose's allowed_envs may have; empty: none", func(p *Policy) field[Text] { return &p.AllowedEnvs }),
		kind[Exception]{form: "NAME[@sha256:HEX]", parse: parseException, list: true}.key("ALLOW_COMPOSE", "an exception of check D, by the name that the report prints", func(p *Policy) field[Exception] { return &p.AllowCompose }),

		kind[KeyProvider]{form: "NAME[:ID]", parse: parseKeyProvider, list: true}.key("KEY_PROVIDER", "who holds the keys of disk and application: none, kms:ID, local-sgx:MRENCLAVE, tpm. Needed for VERIFIED, unless it is none", func(p *Policy) field[KeyProvider] { return &p.KeyProvider }),
		register.key("KEY_PROVIDER_DIGEST", "the digest of dstack's key-provider event, instead of KEY_PROVIDER", func(p *Policy) field[measure.Register] { return &p.KeyProviderDigest }),
		hex(1, 64).key("MR_KMS", "the measurement of the KMS. Needed for VERIFIED where the log has it", func(p *Policy) field[Bytes] { return &p.MRKMS }),
		word("accepted").key("PERSISTENT_DISK", "that what earlier composes of the application left on the disk may run, too", func(p *Policy) field[Text] { return &p.PersistentDisk }),

		word("unbound").key("ENDPOINT", "that evidence by its address need not bind the TLS key of the server: it then says what some VM launched, and not whom you talk to", func(p *Policy) field[Text] { return &p.Endpoint }),
		hex(1, measure.MaxNonce).key("NONCE", "the nonce that the receipt, or the guest agent's quote, was asked for with", func(p *Policy) field[Bytes] { return &p.Nonce }),
		kind[ReportData]{form: "HEX", parse: parseReportData, list: true}.key("REPORT_DATA", "the quote's report data", func(p *Policy) field[ReportData] { return &p.ReportData }),
	}
}
