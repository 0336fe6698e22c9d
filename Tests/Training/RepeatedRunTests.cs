using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>The same command with the same seed, in two processes.</summary>
public sealed class RepeatedRunTests
{
    [Theory]
    [InlineData("objective=gumbel", "discriminator.kind=cnn", "adversarial.loss=wasserstein", "adversarial.gradient_penalty=10")]
    [InlineData("objective=gumbel", "discriminator.kind=lstm", "pretraining.dropout=0.3", "discriminator.dropout=0.3")]
    [InlineData("objective=relax", "reinforce.reward=score", "adversarial.generator_steps=2")]
    [InlineData("objective=reinforce", "reinforce.credit=roll_outs", "reinforce.roll_outs=2")]
    public void Weights_metrics_and_samples_are_the_same_bytes(params string[] assignments)
    {
        using var run = new TemporaryRun();
        string config = Path.Combine(run.Folder, "small.yaml");
        File.WriteAllText(config, ConfigurationWriter.Write(run.Config([.. assignments, "threads=2"])));
        string[] folders = [run.Run, Path.Combine(run.Folder, "again")];
        foreach (string folder in folders)
        {
            using ProgramProcess process = ProgramProcess.Start("train", "--config", config, "--run", folder, "--quiet");
            Assert.True(process.End() == 0, process.Error);
        }

        string[][] files =
            [.. folders.Select(folder => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file)).Where(IsRepeated).Order().ToArray())];
        Assert.Equal(files[0], files[1]);
        Assert.Contains(files[0], file => file.EndsWith("generator_optimizer.safetensors", StringComparison.Ordinal));
        Assert.All(files[0], file => Assert.True(File.ReadAllBytes(Path.Combine(folders[0], file))
            .AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folders[1], file))), file));
    }

    // The clock is in the event file, the environment and the state's seconds.
    private static bool IsRepeated(string file) =>
        !file.StartsWith("events.", StringComparison.Ordinal)
            && file is not "environment.json" and not "run.lock" && !file.EndsWith("state.json", StringComparison.Ordinal);
}
