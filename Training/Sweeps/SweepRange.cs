using System.Globalization;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Sweeps;

/// <summary>What a random setting draws a key's value from.</summary>
/// <param name="draw">A value of a stream.</param>
internal sealed class SweepRange(Func<RandomStream, ConfigurationNode> draw)
{
    private const string Uniform = "uniform", LogUniform = "log_uniform", Integer = "integer", Choice = "choice";

    private static readonly string[] _kinds = [Uniform, LogUniform, Integer, Choice];

    /// <summary>Reads <c>{ log_uniform: [1e-4, 1e-2] }</c>.</summary>
    /// <exception cref="UserMistakeException">It is no range; the message names the key.</exception>
    public static SweepRange Of(ScalarNode key, ConfigurationNode node)
    {
        if (node is not MappingNode { Entries: [var (kind, values)] })
        {
            throw new UserMistakeException(
                $"{node.Where}: '{key.Text}' must be one range: {string.Join(", ", _kinds)}, for example {{ uniform: [0, 1] }}.");
        }

        if (!_kinds.Contains(kind.Text))
        {
            throw new UserMistakeException($"{kind.Where}: there is no range '{ConfigurationText.Shown(kind.Text)}' for '{key.Text}'; did you mean "
                + $"'{NearestName.Among(_kinds, kind.Text)}'? There are {string.Join(", ", _kinds)}.");
        }

        if (values is not SequenceNode { Items: { Count: > 0 } items })
        {
            throw new UserMistakeException($"{values.Where}: '{key.Text}' needs a list after {kind.Text}, for example [1, 2].");
        }

        if (kind.Text == Choice)
        {
            return new SweepRange(stream => items[stream.NextInt32(items.Count)]);
        }

        double[] bounds =
            [.. items.Select(item => item is ScalarNode scalar && StrictNumber.TryParse(scalar.Text, out double bound) ? bound : double.NaN)];
        bool isOrdered = bounds is [var low, var high] && low < high;
        bool isWhole = kind.Text != Integer || bounds.All(bound => Math.Abs(bound) < int.MaxValue / 2 && bound == Math.Floor(bound));
        if (!isOrdered || !isWhole || (kind.Text == LogUniform && bounds[0] <= 0))
        {
            throw new UserMistakeException(
                $"{values.Where}: '{key.Text}' needs two {(kind.Text == Integer ? "whole " : "")}numbers after {kind.Text}, the lower "
                + $"one first{(kind.Text == LogUniform ? " and above 0" : "")}.");
        }

        return new SweepRange(stream => new ScalarNode(values.Where, Value(kind.Text, bounds[0], bounds[1], stream), IsPlain: true));
    }

    /// <summary>A value, as the file would write it.</summary>
    public ConfigurationNode Draw(RandomStream stream) => draw(stream);

    private static string Value(string kind, double low, double high, RandomStream stream)
    {
        if (kind == Integer)
        {
            return ((int)low + stream.NextInt32((int)(high - low) + 1)).ToString(CultureInfo.InvariantCulture);
        }

        double part = stream.NextDouble();
        double drawn = kind == Uniform ? low + part * (high - low) : Math.Exp(Math.Log(low) + part * (Math.Log(high) - Math.Log(low)));
        // Four digits: what tables show is what was trained.
        double rounded = double.Parse(drawn.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return ConfigurationWriter.Value(Math.Clamp(rounded, low, high));
    }
}
