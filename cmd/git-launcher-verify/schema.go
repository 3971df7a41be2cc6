package main

import (
	"github.com/spf13/cobra"

	"gitlauncher/internal/reportschema"
)

// schemaCommand prints the JSON Schema of a report.
func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of a report", Long: aboutSchema, Example: schemaExamples, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.printJSON(reportschema.Of()) },
	}
}
