using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <summary>
/// Writes the gradient of one hard sample's row: from that with respect to the sample to that with respect to the logits. It is called for many rows
/// at once, from several threads.
/// </summary>
/// <param name="row">What is given, and where the result goes.</param>
public delegate void RowGradient(in RelaxedRow row);

/// <summary>One row of a step of a roll-out: one sequence's logits, the token that was drawn, and the gradient of the sample.</summary>
/// <remarks>
/// C is V up to the next multiple of 64; beyond V logits are minus infinity and gradients zero, so that no loop needs an end of its own.
/// </remarks>
public readonly ref struct RelaxedRow
{
    /// <summary>Rows of memory that a function may use.</summary>
    public const int ScratchRows = 3;

    private readonly Span<float> _scratch;

    /// <summary>A row with memory [<see cref="ScratchRows"/>, C].</summary>
    public RelaxedRow(Span<float> scratch) => _scratch = scratch;

    /// <summary>[C].</summary>
    public ReadOnlySpan<float> Logits { get; init; }

    /// <summary>[C]: with respect to the sample.</summary>
    public ReadOnlySpan<float> SampleGradient { get; init; }

    /// <summary>[C]: with respect to the logits, zeros at first.</summary>
    public Span<float> LogitGradient { get; init; }

    /// <summary>Which token was drawn.</summary>
    public int Token { get; init; }

    /// <summary>Above zero.</summary>
    public float Temperature { get; init; }

    /// <summary>Keys whatever is drawn beside the noise that the token was drawn with.</summary>
    public RandomKey Key { get; init; }

    /// <summary>Its number in the batch, as <see cref="GumbelNoise"/> counts rows.</summary>
    public ulong Number { get; init; }

    /// <summary>[C]: memory to use, whatever is in it.</summary>
    public Span<float> Scratch(int index) => _scratch.Slice(index * Logits.Length, Logits.Length);
}
