using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class RunsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gumbelgan runs ").FullName;
    private readonly SettableClock _clock = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Runs_are_listed_with_status_step_selected_and_test_nll_and_age_the_newest_first()
    {
        Run("finished", TimeSpan.FromHours(3), """
            {"step": 100, "phase": "pretraining", "nll/validation": 2.5}
            {"step": 200, "phase": "adversarial", "nll/validation": 3.25}
            {"step": 300, "phase": "adversarial", "nll/validation": 3.75, "nll/test": 3.125}
            """);
        // Killed in the middle of a line, as a run may be.
        Run("killed", TimeSpan.FromDays(2), "{\"step\": 5, \"phase\": \"pretraining\", \"loss/mle\": 7.5}\n{\"step\": 6, \"phase\": \"pre");
        Run("alive", TimeSpan.FromSeconds(20), "{\"step\": 12, \"phase\": \"pretraining\", \"nll/validation\": \"NaN\"}\n");
        using RunLock held = RunLock.Take(Path.Combine(_folder, "alive"));
        Run("new", TimeSpan.FromMinutes(5), null);
        Directory.CreateDirectory(Path.Combine(_folder, "no run"));

        const string Expected = """
            run       status    phase        step  selected NLL  at step  test NLL  age
            alive     running   pretraining  12    -             -        -         now
            new       empty     -            -     -             -        -         5 min
            finished  finished  adversarial  300   3.250         200      3.125     3 h
            killed    stopped   pretraining  5     -             -        -         2 d

            """;
        Assert.Equal(Expected, List(_folder));
    }

    [Fact]
    public void Json_is_one_document_with_the_same_numbers()
    {
        Run("one", TimeSpan.FromHours(3), "{\"step\": 100, \"phase\": \"mle\", \"nll/validation\": 3.5}\n");
        JsonElement run = Assert.Single(JsonDocument.Parse(List(_folder, "--json")).RootElement.EnumerateArray().ToArray());
        Assert.Equal(("one", "stopped", 100, 3.5), (run.GetProperty("name").GetString(), run.GetProperty("status").GetString(),
            run.GetProperty("step").GetInt32(), run.GetProperty("selected_validation_nll").GetDouble()));
    }

    private string List(params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter();
        Assert.Equal(ExitCode.Done,
            GumbelGanProgram.Run(["runs", .. args], Surroundings.Of(output, error, CancellationToken.None) with { Clock = _clock }));
        Assert.Equal("", error.ToString());
        return output.ToString().ReplaceLineEndings("\n");
    }

    private void Run(string name, TimeSpan age, string? metrics)
    {
        string run = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        File.WriteAllText(Path.Combine(run, "config.yaml"), "seed: 1\n");
        DateTime written = (_clock.GetUtcNow() - age).UtcDateTime;
        if (metrics is not null)
        {
            string path = Path.Combine(run, "metrics.jsonl");
            File.WriteAllText(path, metrics);
            File.SetLastWriteTimeUtc(path, written);
        }

        Directory.SetLastWriteTimeUtc(run, written);
    }
}
