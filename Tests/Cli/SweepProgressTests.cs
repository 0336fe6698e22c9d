using System.Text.RegularExpressions;
using GumbelGan.Cli;
using GumbelGan.Cli.Progress;
using GumbelGan.Tests.Training.Sweeps;
using GumbelGan.Training.Sweeps;
using Spectre.Console;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed partial class SweepProgressTests
{
    [Fact]
    public void On_a_terminal_of_forty_columns_the_runs_that_go_on_fit()
    {
        using var sweep = new TemporarySweep("grid: { adversarial.generator_learning_rate: [0.001, 0.002, 0.003], generator.hidden: [5, 6] }");
        SweepItem[] items = [.. sweep.Plan.Runs.Select(run => new SweepItem(run))];
        items[0].State = SweepItemState.Done;
        items[1].State = SweepItemState.Failed;
        items[2].State = items[3].State = SweepItemState.Running;
        items[3].Time = TimeSpan.FromSeconds(75);
        var clock = new SettableClock();
        var error = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new TerminalOutput(error, 40),
        });
        SweepProgress.Watch(new Surroundings(TextWriter.Null, error, console, CancellationToken.None) { Clock = clock }, observer =>
        {
            clock.Advance(TimeSpan.FromMinutes(2));
            observer.OnTime(items);
            return 0;
        });

        string[] lines = [.. EscapeCode().Replace(error.ToString(), "").Split('\n', '\r')];
        Assert.All(lines, line => Assert.InRange(line.GetCellWidth(), 0, 40));
        Assert.Contains(lines, line => line.Contains("2 of 6 runs over, 1 failed", StringComparison.Ordinal));
        // Two runs in two minutes leave four more minutes for four.
        Assert.Contains(lines, line => line.Contains("2 min 00 s gone, 4 min 00 s left", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("starting, 1 min 15 s", StringComparison.Ordinal));
    }

    [GeneratedRegex("\u001B\\[[0-9;?]*[A-Za-z]")]
    private static partial Regex EscapeCode();
}
