using System.CommandLine;
using System.CommandLine.Help;
using System.Diagnostics.CodeAnalysis;
using GumbelGan.Cli.Commands;
using GumbelGan.Cli.Streams;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli;

/// <summary>The whole program, callable in process: parses, runs one command, and turns every failure into a sentence and an exit code.</summary>
public static class GumbelGanProgram
{
    private const string DebugVariable = "GUMBELGAN_DEBUG";

    private static bool IsDebugging => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(DebugVariable));

    /// <summary>Runs one command line in <paramref name="surroundings"/>.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(IReadOnlyList<string> args, Surroundings surroundings) => Run(CreateRoot(surroundings), args, surroundings);

    /// <summary>Runs one command line of the program whose commands are below <paramref name="root"/>.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "The outermost frame: what gets here must become a message and an exit code.")]
    internal static int Run(Command root, IReadOnlyList<string> args, Surroundings surroundings)
    {
        try
        {
            if (Completion.IsAsked(args))
            {
                return Complete(root, args, surroundings);
            }

            ParseResult parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
            if (parsed.Action is not ExplainedHelpAction && (parsed.Errors.Count > 0 || ParseErrorSentence.MisspeltOption(parsed) is not null))
            {
                surroundings.Error.WriteLine(ParseErrorSentence.For(parsed));
                return ExitCode.UserMistake;
            }

            return parsed.Invoke(new InvocationConfiguration
            {
                Output = surroundings.Output,
                Error = surroundings.Error,
                EnableDefaultExceptionHandler = false,
                // Signals are ours (Program.cs): training must finish its step and write a checkpoint.
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception failure)
        {
            return Explain(failure, surroundings);
        }
    }

    /// <summary>Says in a sentence what <paramref name="failure"/> means to the user.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Explain(Exception failure, Surroundings surroundings)
    {
        switch (failure)
        {
            case UserMistakeException mistake:
                surroundings.Error.WriteLine(mistake.Message.ReplaceLineEndings(" "));
                if (IsDebugging)
                {
                    surroundings.Error.WriteLine(mistake);
                }

                return ExitCode.UserMistake;
            // A reader that has enough, such as head, is no failure.
            case StandardStreamException { IsReaderGone: true }:
                return ExitCode.Done;
            case StandardStreamException:
                surroundings.Error.WriteLine(
                    $"Standard output cannot be written ({failure.Message}); give it another place, or free some space.");
                return ExitCode.Failed;
            case OperationCanceledException when surroundings.Cancellation.IsCancellationRequested:
                return ExitCode.Interrupted;
            default:
                // What libtorch throws carries its C++ frames in the lines below the first.
                surroundings.Error.WriteLine($"Failed: {failure.Message.Split('\n', 2)[0].TrimEnd()}");
                ShowTrace(failure, surroundings.Error);
                return ExitCode.Failed;
        }
    }

    private static int Complete(Command root, IReadOnlyList<string> args, Surroundings surroundings)
    {
        foreach (string word in Completion.Answer(root, args))
        {
            surroundings.Output.WriteLine(word);
        }

        return ExitCode.Done;
    }

    /// <summary>The root command with every command below it.</summary>
    public static Command CreateRoot(Surroundings surroundings)
    {
        // Not System.CommandLine's RootCommand: that one is named after the running executable, which in a test is the test program.
        var root = new ExplainedCommand("gumbelgan",
            "Trains, samples and measures text GANs with the Gumbel-Softmax relaxation, beside REINFORCE and maximum likelihood.");
        var help = new ExplainedHelpAction();
        root.Options.Add(new HelpOption { Action = help });
        root.Options.Add(
            new VersionOption { Action = new ProgramVersion.Action(), Description = "Show the versions of program, TorchSharp and libtorch" });
        root.SetAction(parsed => help.Invoke(parsed));
        foreach (Command command in CreateCommands(surroundings))
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    private static IEnumerable<Command> CreateCommands(Surroundings surroundings)
    {
        yield return TrainCommand.Create(request => TrainAction.Run(request, surroundings), ConfigurationReader.Keys<RunConfig>);
        yield return SampleCommand.Create(surroundings);
        yield return MetricsCommand.Create(surroundings);
        yield return ScoreCommand.Create(surroundings);
        yield return EvaluateCommand.Create(surroundings);
        yield return CompareCommand.Create(surroundings);
        yield return SweepCommand.Create(surroundings);
        yield return GradientsCommand.Create(surroundings);
        yield return RunsCommand.Create(surroundings);
        yield return BenchCommand.Create(surroundings);
        yield return PrimerCommand.Create(surroundings);
        yield return DoctorCommand.Create(surroundings);
        yield return CorpusCommand.Create(surroundings);
        yield return TokenizerCommand.Create(surroundings);
    }

    /// <summary>Writes where <paramref name="failure"/> happened, if the user has asked for it, else how to ask.</summary>
    internal static void ShowTrace(Exception failure, TextWriter error) =>
        error.WriteLine(IsDebugging ? failure.ToString() : $"Set {DebugVariable}=1 to see where.");
}
