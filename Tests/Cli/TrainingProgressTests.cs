using GumbelGan.Cli;
using GumbelGan.Cli.Progress;
using GumbelGan.Training.Watching;
using Spectre.Console;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class TrainingProgressTests
{
    private const char Escape = '\u001B';

    private readonly SettableClock _clock = new();

    [Fact]
    public void Without_a_terminal_there_is_a_line_now_and_then_and_no_escape_code()
    {
        var error = new StringWriter { NewLine = "\n" };
        var surroundings = Surroundings.Of(TextWriter.Null, error, CancellationToken.None) with { Clock = _clock };
        Assert.Equal(42, TrainingProgress.Watch(surroundings, isQuiet: false, Train));

        const string Expected = """
            adversarial: 50 steps
            adversarial 1/50: loss/generator 1, nll/validation 5, temperature 2, 100 sequences/s
            adversarial 11/50: loss/generator 11, nll/validation 4.5, temperature 2, 100 sequences/s, 39 s left
            sample: a cat ?[31msits
            The generator repeats itself.
            adversarial 21/50: loss/generator 21, nll/validation 4, temperature 2, 100 sequences/s, 29 s left
            adversarial 31/50: loss/generator 31, nll/validation 3.5, temperature 2, 100 sequences/s, 19 s left
            adversarial 41/50: loss/generator 41, nll/validation 3, temperature 2, 100 sequences/s, 9 s left
            adversarial 50/50: loss/generator 50, nll/validation 3, temperature 2, 100 sequences/s

            """;
        Assert.Equal(Expected, error.ToString());
    }

    [Fact]
    public void Quiet_leaves_only_messages()
    {
        var error = new StringWriter { NewLine = "\n" };
        TrainingProgress.Watch(Surroundings.Of(TextWriter.Null, error, CancellationToken.None), isQuiet: true, Train);
        Assert.Equal("The generator repeats itself.\n", error.ToString());
    }

    [Fact]
    public void On_a_terminal_phase_step_losses_temperature_speed_time_left_sparkline_and_sample_are_drawn()
    {
        var error = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new TerminalOutput(error, 100),
        });
        var surroundings = new Surroundings(TextWriter.Null, error, console, CancellationToken.None) { Clock = _clock };
        Assert.Equal(42, TrainingProgress.Watch(surroundings, isQuiet: false, Train));

        string drawn = error.ToString();
        string last = drawn[drawn.LastIndexOf("adversarial", StringComparison.Ordinal)..];
        Assert.Contains("50/50 (100%)", last);
        Assert.Contains("50 s gone", last);
        Assert.Contains("loss/generator", last);
        Assert.Contains("temperature", last);
        Assert.Contains("sequences/s", last);
        Assert.Contains("█▇▅▃▁  3 nats/token, best 3", last);
        Assert.Contains("sample  a cat ?[31msits", last);
        Assert.Contains("The generator repeats itself.", drawn);
        Assert.Contains(Escape, drawn);
        Assert.DoesNotContain($"{Escape}[31m", drawn);
    }

    [Fact]
    public void The_time_left_of_a_resumed_phase_counts_only_the_steps_done_here()
    {
        var error = new StringWriter { NewLine = "\n" };
        var surroundings = Surroundings.Of(TextWriter.Null, error, CancellationToken.None) with { Clock = _clock };
        TrainingProgress.Watch(surroundings, isQuiet: false, observer =>
        {
            observer.OnPhase("mle", 1000);
            // 10 steps here in 20 s; 490 remain, so 980 s.
            for (int step = 501; step <= 510; step++)
            {
                _clock.Advance(TimeSpan.FromSeconds(2));
                observer.OnStep(Report("mle", step, 1000, new Dictionary<string, double>()));
            }

            return 0;
        });
        Assert.Contains("mle 506/1000: 100 sequences/s, 16 min 28 s left", error.ToString());
    }

    [Theory]
    [InlineData("1 2 3 4 5 6 7 8", "▁▂▃▄▅▆▇█")]
    [InlineData("5 5 5", "▁▁▁")]
    [InlineData("0 NaN 1", "▁ █")]
    [InlineData("NaN", " ")]
    [InlineData("9 9 9 9 9 9 9 0 1 2 3 4 5 6 7", "▁▂▃▄▅▆▇█")]
    public void A_sparkline_spans_the_least_and_the_greatest_of_the_last_values(string values, string expected)
    {
        double[] numbers = [.. values.Split(' ').Select(value => double.Parse(value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(expected, ProgressText.Sparkline(numbers, 8, isUnicode: true));
    }

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59.2, "1 min 00 s")]
    [InlineData(200, "3 min 20 s")]
    [InlineData(7500, "2 h 05 min")]
    public void Durations_are_in_words(double seconds, string expected)
    {
        Assert.Equal(expected, ProgressText.Duration(TimeSpan.FromSeconds(seconds)));
    }

    [Theory]
    [InlineData("a cat sits", 10, "a cat sits")]
    [InlineData("a cat sits", 9, "a cat si…")]
    [InlineData("你好你好", 6, "你好…")]
    public void Text_is_cut_to_the_columns_that_there_are(string text, int width, string expected)
    {
        Assert.Equal(expected, ProgressText.Cut(text, width, isUnicode: true));
    }

    private static StepReport Report(string phase, int step, int steps, IReadOnlyDictionary<string, double> scalars) =>
        new(phase, step, steps, scalars, null, 100);

    /// <summary>50 steps of a second each, an evaluation every tenth, samples and a message at step 20.</summary>
    private int Train(ITrainingObserver observer)
    {
        observer.OnPhase("adversarial", 50);
        for (int step = 1; step <= 50; step++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            var scalars = new Dictionary<string, double> { ["loss/generator"] = step };
            if (step % 10 == 1)
            {
                scalars["nll/validation"] = 5 - (step / 20.0) + 0.05;
            }

            observer.OnStep(Report("adversarial", step, 50, scalars) with { Temperature = 2 });
            if (step == 20)
            {
                observer.OnSamples(step, ["a dog sits"], ["a cat \u001B[31msits", "a"]);
                observer.OnMessage("The generator repeats itself.");
            }
        }

        return 42;
    }
}
