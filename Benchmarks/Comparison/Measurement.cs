using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GumbelGan.Training.Benchmarking;

namespace GumbelGan.Benchmarks.Comparison;

/// <summary>One run of <c>gumbelgan bench</c> or of its peer, as its JSON tells it.</summary>
/// <param name="Median">Milliseconds by phase.</param>
/// <param name="Minimum">Milliseconds by phase.</param>
/// <param name="PeakBytes">The most memory that the process had resident.</param>
/// <param name="PrivateBytes">The most that was backed by no file (the kernel's RssAnon), looked at twenty times a second.</param>
internal sealed record Measurement(IReadOnlyDictionary<string, double> Median, IReadOnlyDictionary<string, double> Minimum, long PeakBytes,
    long PrivateBytes)
{
    /// <summary>The phase that is the whole.</summary>
    public const string Whole = "iteration";

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs a program that prints the JSON.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message holds the end of what it wrote on standard error.</exception>
    public static Measurement Of(string program, IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
    {
        (string output, long privateBytes) = Watch(program, arguments, environment);
        JsonElement root = JsonDocument.Parse(output).RootElement;
        return new Measurement(Phases(root.GetProperty("median_ms")), Phases(root.GetProperty("min_ms")), root.GetProperty("peak_bytes").GetInt64(),
            privateBytes);
    }

    /// <summary>What a program prints.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Output(string program, IEnumerable<string> arguments, params (string Name, string? Value)[] environment) =>
        Watch(program, arguments, environment).Output;

    private static (string Output, long PrivateBytes) Watch(string program, IEnumerable<string> arguments, (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        long most = 0;
        while (!process.WaitForExit(_interval))
        {
            most = Math.Max(most, PrivateMemory.Of(process.Id.ToString(CultureInfo.InvariantCulture)) ?? 0);
        }

        return process.ExitCode == 0 ? (output.Result, most)
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error.Result.Trim()}");
    }

    private static Dictionary<string, double> Phases(JsonElement phases) =>
        phases.EnumerateObject().ToDictionary(phase => phase.Name, phase => phase.Value.GetDouble());
}

/// <summary>Several runs of the same thing, spread over the whole comparison.</summary>
internal sealed class Series
{
    private readonly List<Measurement> _runs = [];

    /// <summary>Whether anything has been measured.</summary>
    public bool IsEmpty => _runs.Count == 0;

    /// <summary>The most memory of any run.</summary>
    public long PeakBytes => _runs.Max(run => run.PeakBytes);

    /// <summary>The most private memory of any run.</summary>
    public long PrivateBytes => _runs.Max(run => run.PrivateBytes);

    /// <summary>The phases, the whole first.</summary>
    public IEnumerable<string> Phases => _runs[0].Median.Keys;

    /// <summary>Adds a run.</summary>
    public void Add(Measurement run) => _runs.Add(run);

    /// <summary>The median of the runs' medians, in milliseconds.</summary>
    public double Median(string phase = Measurement.Whole)
    {
        double[] sorted = [.. _runs.Select(run => run.Median[phase]).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The fastest repeat of all runs, in milliseconds.</summary>
    public double Minimum(string phase = Measurement.Whole) => _runs.Min(run => run.Minimum[phase]);
}
