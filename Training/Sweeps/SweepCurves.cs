using System.Globalization;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Sweeps;

/// <summary>A method's metric at one value of a key.</summary>
/// <param name="X">The key's value.</param>
/// <param name="Summary">The metric at the end of training, over the seeds of the best setting that has this value.</param>
/// <param name="Setting">That setting's name.</param>
/// <param name="Seconds">Its training time, the mean over seeds; null where it is not known.</param>
/// <param name="Failed">Its seeds whose training diverged.</param>
public sealed record CurvePoint(double X, SeedSummary Summary, string Setting, double? Seconds, int Failed);

/// <summary>A method's metric at the values of one key.</summary>
/// <param name="Method">Its name in comparisons, without the setting's.</param>
/// <param name="Points">By ascending value of the key.</param>
public sealed record SweepCurve(string Method, IReadOnlyList<CurvePoint> Points);

/// <summary>A metric against a number of the configuration, one curve a method: how its error depends on its batch, its rate, its size.</summary>
/// <param name="Tag">The metric, at the end of training.</param>
/// <param name="Key">The number's key.</param>
/// <param name="Curves">In the order of the sweep file.</param>
public sealed record SweepCurves(string Tag, string Key, IReadOnlyList<SweepCurve> Curves)
{
    /// <summary>Where several settings of a method share a value of the key, the curve passes through the best of them.</summary>
    /// <param name="plan">The sweep.</param>
    /// <param name="tag">A tag that its runs record while they train, on the validation split.</param>
    /// <param name="better">The direction; null for the metric's own.</param>
    /// <param name="key">A configuration key that holds a number.</param>
    /// <exception cref="UserMistakeException">As a ranking; or the key is unknown or holds no number.</exception>
    public static SweepCurves Of(SweepPlan plan, string tag, Better? better, string key)
    {
        var ranking = SweepRanking.Of(plan, tag, better);
        var first = plan.Runs.GroupBy(run => run.Setting).ToDictionary(runs => runs.Key, runs => runs.First());
        SweepCurve[] curves =
        [
            .. first.Values.GroupBy(run => run.Config.Objective.MethodName(run.Config)).Select(method => new SweepCurve(method.Key,
                [.. ranking.Settings.Where(setting => setting.Last is not null && method.Contains(first[setting.Setting]))
                    .Select(setting => new CurvePoint(Number(first[setting.Setting].Config, key), setting.Last!, setting.Setting.Name,
                        setting.Seconds?.Mean, setting.Failed))
                    .GroupBy(point => point.X).Select(points => points.First()).OrderBy(point => point.X)])),
        ];
        return new SweepCurves(tag, key, curves);
    }

    /// <summary>These and others of the same metric and key; where both have a method's point, these do.</summary>
    /// <exception cref="UserMistakeException">The others are of another metric or key.</exception>
    public SweepCurves Beside(SweepCurves others)
    {
        if ((others.Tag, others.Key) != (Tag, Key))
        {
            throw new UserMistakeException($"Curves of {ConfigurationText.Shown(others.Tag)} against {ConfigurationText.Shown(others.Key)} "
                + $"do not belong beside those of {Tag} against {Key}.");
        }

        return this with
        {
            Curves =
            [
                .. Curves.Concat(others.Curves).GroupBy(curve => curve.Method).Select(same => new SweepCurve(same.Key,
                    [.. same.SelectMany(curve => curve.Points).GroupBy(point => point.X).Select(points => points.First())
                        .OrderBy(point => point.X)])),
            ],
        };
    }

    private static double Number(RunConfig config, string key) =>
        !ConfigurationWriter.Flat(config).TryGetValue(key, out string? text)
            ? throw new UserMistakeException($"There is no key '{ConfigurationText.Shown(key)}' in the configuration of every run; "
                + "--against takes a key that holds a number, for example adversarial.batch_size.")
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value
            : throw new UserMistakeException($"{key} is '{ConfigurationText.Shown(text)}' in a run, which is no number to draw a curve against.");
}
