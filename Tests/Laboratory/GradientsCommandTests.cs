using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Storage;
using GumbelGan.Tests.Training;
using Xunit;

namespace GumbelGan.Tests.Laboratory;

public sealed class GradientsCommandTests
{
    private const int ScoreFunctions = 4, Controlled = 3;

    [Fact]
    public void Json_is_one_document_with_a_table_a_setting_and_a_row_for_every_estimator_temperature_and_feedback()
    {
        using var folder = new TemporaryFolder();
        string page = folder["page.html"], log = folder["log"];
        var run = ProgramRun.Of(
            "gradients", "--vocab", "2", "--length", "2,3", "--temperatures", "0.5,1", "--feedback", "both", "--embedding", "2", "--hidden", "2",
                "--draws", "2",
            "--samples", "64", "--batch", "4", "--ends", "--json", "--report", page, "--log", log);
        Assert.Equal(ExitCode.Done, run.ExitCode);
        JsonElement tables = JsonDocument.Parse(run.Output).RootElement.GetProperty("tables");
        Assert.Equal([3.0, 4.0], tables.EnumerateArray().Select(table => table.GetProperty("setting").GetProperty("sequences").GetDouble()));
        Assert.All(tables.EnumerateArray(),
            table => Assert.Equal(ScoreFunctions + Controlled + Relaxation.All.Count * 4, table.GetProperty("rows").GetArrayLength()));
        foreach (JsonElement row in tables.EnumerateArray().SelectMany(table => table.GetProperty("rows").EnumerateArray().Take(ScoreFunctions)))
        {
            Assert.InRange(row.GetProperty("relative_bias").GetProperty("value").GetDouble(), 0, 1e-6);
            Assert.Equal("exact", row.GetProperty("moments").GetString());
        }

        Assert.Contains("mean squared error", File.ReadAllText(page), StringComparison.Ordinal);
        string[] folders = Directory.GetDirectories(log);
        Assert.Equal(2, folders.Length);
        Assert.All(folders,
            path => Assert.Equal([0L, 500, 1000], MetricsJournal.Read(Path.Combine(path, "metrics.jsonl")).Select(record => record.Step)));
    }

    [Theory]
    [InlineData("too many to enumerate", "--vocab", "60", "--length", "12")]
    [InlineData("--temperatures must be a number, not 'warm'", "--temperatures", "1,warm")]
    [InlineData("--logit-scale is -1", "--logit-scale", "-1")]
    [InlineData("--draws is 1", "--draws", "1")]
    [InlineData("--vocab must be a whole number, not ''", "--vocab", ",")]
    [InlineData("--discriminator", "--discriminator", "cnn", "--length", "2")]
    public void What_cannot_be_measured_is_the_users_mistake_in_a_sentence(string sentence, params string[] arguments)
    {
        var run = ProgramRun.Of(["gradients", .. arguments]);
        Assert.Equal((ExitCode.UserMistake, ""), (run.ExitCode, run.Output));
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void At_a_run_each_estimator_stands_beside_the_reference_whose_halves_and_whose_discriminator_are_told_of()
    {
        using var training = new TemporaryRun();
        training.Train(training.Config());
        var run = ProgramRun.Of(
            "gradients", "--run", training.Run, "--best", "--samples", "8192", "--batches", "20", "--batch", "16", "--temperatures", "1",
                "--threads", "1");
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Contains("its halves agree with cosine 0.9", run.Output, StringComparison.Ordinal);
        Assert.Contains("AUC of the discriminator", run.Output, StringComparison.Ordinal);
        string[] rloo = run.Output.Split('\n')
            .Single(line => line.StartsWith("rloo ", StringComparison.Ordinal)).Split("  ", StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(double.Parse(rloo[5].Split("+-")[0], System.Globalization.CultureInfo.InvariantCulture), 0.9, 1.1);
        Assert.All(["rebar", "relax", "critic"],
            name => Assert.Single(run.Output.Split('\n'), line => line.StartsWith(name + " ", StringComparison.Ordinal)));
        Assert.All(Relaxation.All,
            relaxation => Assert.Equal(2, run.Output.Split('\n').Count(line => line.StartsWith(relaxation.Name + " ", StringComparison.Ordinal))));
    }
}
