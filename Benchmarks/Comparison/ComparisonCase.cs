namespace GumbelGan.Benchmarks.Comparison;

/// <summary>One line of the comparison.</summary>
/// <param name="Name">What and at which sizes.</param>
/// <param name="CommandLine">What <c>gumbelgan bench</c> and the peer are both given.</param>
/// <param name="Repeats">Timed repeats of one run, on either side.</param>
/// <param name="Wanted">The ratio that the project promises, or null.</param>
internal sealed record ComparisonCase(string Name, string CommandLine, int Repeats, double? Wanted)
{
    private const string A = "--vocab 5000 --length 20 --embedding 32 --hidden 32";
    private const string B = "--vocab 5000 --length 40 --embedding 32 --hidden 512";
    private const string C = "--vocab 30 --length 12 --embedding 64 --hidden 64";

    /// <summary>The sizes, for the legend.</summary>
    public static IReadOnlyList<(string Name, string Sizes)> Sizes => [("A", A), ("B", B), ("C", C)];

    /// <summary>All cases.</summary>
    public static IReadOnlyList<ComparisonCase> All =>
    [
        new("A, adversarial iteration", $"iteration {A}", 30, 2.2),
        new("A, adversarial iteration, CNN", $"iteration {A} --discriminator cnn", 30, 2.2),
        new("B, adversarial iteration", $"iteration {B}", 6, 1.6),
        new("B, adversarial iteration, CNN", $"iteration {B} --discriminator cnn", 6, null),
        new("C, adversarial iteration", $"iteration {C}", 100, 3),
        new("A, MLE step", $"mle {A}", 50, 1.7),
        new("B, MLE step", $"mle {B}", 10, 1.2),
        new("C, MLE step", $"mle {C}", 200, 2.5),
        new("A, sampling 10,000", $"sample {A}", 1, 4),
        new("B, sampling 10,000", $"sample {B}", 1, 2),
        new("C, sampling 10,000", $"sample {C}", 3, 4),
        new("A, policy-gradient step, 16 roll-outs", $"reinforce {A}", 3, null),
    ];

    /// <summary>Whether it can be timed without any fused pass; policy gradients cannot.</summary>
    public bool HasComposed => !CommandLine.StartsWith("reinforce", StringComparison.Ordinal);

    /// <summary>The arguments of both programs.</summary>
    public string[] Arguments =>
        [.. CommandLine.Split(' '), "--json", "--repeats", Repeats.ToString(System.Globalization.CultureInfo.InvariantCulture)];
}
