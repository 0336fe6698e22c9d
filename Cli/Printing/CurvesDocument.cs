using System.Text.Json;
using System.Text.Json.Serialization;
using GumbelGan.Evaluation;
using GumbelGan.Storage;
using GumbelGan.Training.Sweeps;

namespace GumbelGan.Cli.Printing;

/// <summary>The curves of sweeps as JSON, to print and to read again.</summary>
/// <param name="Metric">The tag.</param>
/// <param name="Against">The key.</param>
/// <param name="Curves">A method each.</param>
internal sealed record CurvesDocument(string Metric, string Against, IReadOnlyList<CurvesDocument.Curve> Curves)
{
    // Far above any page that can be read.
    private const int LargestFile = 16 << 20;

    private static readonly JsonSerializerOptions _strict = new(JsonFormat.Options)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>A method's points.</summary>
    internal sealed record Curve(string Method, IReadOnlyList<Point> Points);

    /// <summary>A point, over seeds; one seed has no interval.</summary>
    internal sealed record Point(double X, double Mean, double[]? Interval, int Seeds, int Failed, string Setting, double? Seconds);

    /// <summary>Of curves.</summary>
    public static CurvesDocument Of(SweepCurves curves) => new(curves.Tag, curves.Key, [.. curves.Curves.Select(curve => new Curve(curve.Method,
        [.. curve.Points.Select(point => new Point(point.X, point.Summary.Mean,
            point.Summary.Count < 2 ? null : [point.Summary.Interval.Lower, point.Summary.Interval.Upper],
            point.Summary.Count, point.Failed, point.Setting, point.Seconds))]))]);

    /// <summary>Reads the document that <c>gumbelgan sweep --against KEY --json</c> has printed into a file.</summary>
    /// <exception cref="UserMistakeException">It cannot be read, or is none.</exception>
    public static SweepCurves Read(string file)
    {
        byte[] bytes = BoundedFile.Read(file, LargestFile);
        try
        {
            CurvesDocument document = JsonSerializer.Deserialize<CurvesDocument>(bytes, _strict) ?? throw new JsonException("null");
            return new SweepCurves(document.Metric, document.Against, [.. document.Curves.Select(curve => new SweepCurve(curve.Method,
                [.. curve.Points.Select(Known).OrderBy(point => point.X)]))]);
        }
        catch (JsonException cause)
        {
            throw new UserMistakeException($"{file} holds no curves as 'gumbelgan sweep --best METRIC --against KEY --json' prints them.", cause);
        }
    }

    private static CurvePoint Known(Point point)
    {
        ConfidenceInterval interval = (point.Seeds, point.Interval) switch
        {
            (1, null) => new(double.NegativeInfinity, double.PositiveInfinity),
            (_, [var lower, var upper]) when point.Seeds > 1 => new(lower, upper),
            _ => throw new JsonException("Two seeds and more have an interval, one has none."),
        };
        return new CurvePoint(point.X, new SeedSummary(point.Seeds, point.Mean, double.NaN, interval), point.Setting, point.Seconds, point.Failed);
    }
}
