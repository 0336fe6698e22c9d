using System.Text.Json.Nodes;
using GumbelGan.Cli;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class MetricsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gumbelgan-metrics-").FullName;

    [Fact]
    public void Two_text_files_give_one_json_document_with_definitions()
    {
        JsonNode document =
            JsonNode.Parse(Run("--generated", Write("g", "the cat\nthe cat sat\n\n"), "--reference", Write("r", "the cat sat\nthe dog ran\n"),
            "--training", Write("t", "the cat\n"), "--json"))!;
        // NLTK: "the cat" 0.6065306597126334 (brevity), "the cat sat" 1, the empty line 0.
        Assert.Equal((Math.Exp(1 - 1.5) + 1) / 3, document["bleu"]!["2"]!.GetValue<double>(), 1e-12);
        Assert.Equal(2.0 / 3, document["novelty"]!["value"]!.GetValue<double>(), 1e-12);
        Assert.Contains("3 hypotheses, each against all 2 references", document["bleu"]!["name"]!.GetValue<string>());
        Assert.All(document.AsObject(), metric => Assert.NotNull(metric.Value!["definition"]));
        Assert.False(document.AsObject().ContainsKey("nll"));
    }

    [Fact]
    public void The_table_names_every_value_and_characters_can_be_the_unit()
    {
        string generated = Write("g", "ab\n"), reference = Write("r", "ab\n");
        string table = Run("--generated", generated, "--reference", reference, "--unit", "character");
        Assert.Contains("bleu/2", table);
        Assert.Contains("1.000000", table);
        Assert.Contains("undefined", table);
        Assert.DoesNotContain("self_bleu", table);
    }

    [Fact]
    public void A_file_that_is_missing_empty_or_no_text_is_the_users_mistake()
    {
        string good = Write("r", "a\n"), binary = Path.Combine(_folder, "binary");
        File.WriteAllBytes(binary, [0x61, 0x80, 0x81]);
        foreach (string bad in new[] { Path.Combine(_folder, "absent"), Write("empty", ""), binary, _folder })
        {
            ProgramRun run = ProgramRun.Of("metrics", "--generated", bad, "--reference", good);
            Assert.Equal((ExitCode.UserMistake, ""), (run.ExitCode, run.Output));
            Assert.Contains(bad, run.Error);
        }

        Assert.Equal(ExitCode.UserMistake, ProgramRun.Of("metrics", "--generated", good, "--reference", good, "--threads", "-3").ExitCode);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Run(params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(["metrics", .. arguments]);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        return run.Output;
    }

    private string Write(string name, string text)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
