using System.Globalization;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Which distribution hard samples are drawn from, token by token: the logits are divided by the temperature, then the K likeliest tokens are left
/// (Fan, Lewis and Dauphin 2018), then of these the smallest set that holds the share p of their probability (Holtzman et al. 2020).
/// </summary>
/// <remarks>B batch, V vocabulary. Of equally likely tokens the one with the smaller id comes first.</remarks>
public sealed record SamplingRule
{
    /// <summary>Divides the logits: 1 samples the model itself, towards 0 the most likely token.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>K, the most tokens that a draw chooses among: 1 is greedy, 0 sets no limit.</summary>
    public int TopK { get; init; }

    /// <summary>p, the share of probability that a draw chooses among, above 0; 1 sets no limit.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Whether some tokens are left out.</summary>
    public bool IsTruncated => TopK > 0 || TopP < 1;

    /// <summary>In words, "temperature 0.7, top-k 40, top-p 0.9", without what changes nothing; empty for the model itself.</summary>
    public string Description => string.Join(", ", ((string?[])
        [Temperature == 1 ? null : string.Create(CultureInfo.InvariantCulture, $"temperature {Temperature}"),
            TopK == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"top-k {TopK}"),
            TopP == 1 ? null : string.Create(CultureInfo.InvariantCulture, $"top-p {TopP}")]).OfType<string>());

    /// <summary>A temperature alone is a rule.</summary>
    public static implicit operator SamplingRule(double temperature) => new() { Temperature = temperature };

    /// <summary>Refuses what is no rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not positive, K is negative, or p is not above 0 and at most 1.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Temperature);
        ArgumentOutOfRangeException.ThrowIfNegative(TopK);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(TopP);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(TopP, 1);
    }

    /// <summary>Logits of the distribution to draw from.</summary>
    /// <param name="logits">[B, V].</param>
    /// <returns>[B, V], minus infinity where a token is left out.</returns>
    internal Tensor Apply(Tensor logits)
    {
        Tensor tempered = logits / Temperature;
        if (!IsTruncated)
        {
            return tempered;
        }

        (Tensor sorted, Tensor order) = tempered.sort(-1, descending: true, stable: true); // [B, V], [B, V]
        Tensor staying = arange(logits.shape[1], device: logits.device).lt(TopK > 0 ? TopK : logits.shape[1]); // [V]
        Tensor mass = (sorted.to(ScalarType.Float64) - sorted.narrow(1, 0, 1)).exp() * staying; // [B, V]
        Tensor upTo = mass.cumsum(-1); // [B, V]: with the token itself
        if (TopP < 1)
        {
            Tensor before = cat([zeros_like(upTo.narrow(1, 0, 1)), upTo.narrow(1, 0, upTo.shape[1] - 1)], 1); // [B, V]
            staying = staying.logical_and(before.lt(upTo.narrow(1, upTo.shape[1] - 1, 1) * TopP)); // [B, V]
        }

        Tensor stays = zeros_like(tempered).scatter(-1, order, staying.expand(order.shape).to(tempered.dtype)); // [B, V]
        return tempered.masked_fill(stays.lt(0.5), float.NegativeInfinity);
    }
}
