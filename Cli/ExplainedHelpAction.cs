using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace GumbelGan.Cli;

/// <summary>The usual help of System.CommandLine, at a fixed width so that it can be approved, then what the command adds.</summary>
internal sealed class ExplainedHelpAction : SynchronousCommandLineAction
{
    private readonly HelpAction _usual = new() { MaxWidth = 110 };

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        int exitCode = _usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is ExplainedCommand command)
        {
            if (command.Examples.Count > 0)
            {
                output.WriteLine("Examples:");
                foreach (ExplainedCommand.Example example in command.Examples)
                {
                    output.WriteLine($"  {example.Line}");
                    output.WriteLine($"      {example.Meaning}");
                }

                output.WriteLine();
            }

            command.FurtherHelp?.Invoke(output);
        }

        return exitCode;
    }
}
