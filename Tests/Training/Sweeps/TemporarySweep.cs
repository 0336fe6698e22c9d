using GumbelGan.Training.Configuration;
using GumbelGan.Training.Sweeps;

namespace GumbelGan.Tests.Training.Sweeps;

/// <summary>A sweep file in a folder of its own, its runs small, gone at the end.</summary>
internal sealed class TemporarySweep : IDisposable
{
    private readonly TemporaryRun _run = new(lines: 120);

    /// <summary>A sweep of <paramref name="settings"/>, YAML at the outermost level, on a small configuration.</summary>
    /// <param name="settings">Seeds, list, grid, random and the like.</param>
    /// <param name="assignments">Change the small configuration.</param>
    public TemporarySweep(string settings, params string[] assignments)
    {
        Settings = settings;
        string config = ConfigurationWriter.Write(_run.Config(["objective=mle", "pretraining.epochs=1", "recording.bleu_samples=0", .. assignments]));
        Configuration = string.Concat(config.TrimEnd('\n').Split('\n').Where(line => !line.StartsWith("label", StringComparison.Ordinal)
            && !line.StartsWith("seed", StringComparison.Ordinal)).Select(line => $"  {line}\n"));
        Write(settings);
    }

    public string Settings { get; }

    public string Configuration { get; }

    public string Folder => _run.Folder;

    public string File => Path.Combine(_run.Folder, "sweep.yaml");

    public string Output => Path.Combine(_run.Folder, "runs");

    public SweepPlan Plan => SweepPlan.Read(File, Output);

    public void Write(string settings) =>
        System.IO.File.WriteAllText(File, $"evaluation: {{ count: 20, temperatures: [1] }}\n{settings}\nconfig:\n{Configuration}");

    public void Dispose() => _run.Dispose();
}
